from allauth.account import views
from django.urls import path

urlpatterns = [
    path("login/code/", views.request_login_code, name="account_request_login_code"),
    path("signup/passkey/", views.signup_by_passkey, name="account_signup_by_passkey"),
]
