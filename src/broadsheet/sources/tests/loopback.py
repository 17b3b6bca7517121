"""The loopback server, under the name the tests of sources use."""

from broadsheet.lib.tests.loopback import FakeTime, Loopback, fake_http, playing

__all__ = ["FakeTime", "Loopback", "fake_http", "playing"]
