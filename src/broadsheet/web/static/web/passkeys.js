"use strict";
// Passkeys: the one thing about accounts that only a script can do. A form with data-passkey holds a field for the
// browser's answer; what to ask the browser stands in the page (data-options) or at an address (data-ask).
(() => {
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (char) => char.charCodeAt(0));
  const text = (buffer) => buffer && btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  const read = (options) => {
    const asked = { ...options.publicKey, challenge: bytes(options.publicKey.challenge) };
    if (asked.user) asked.user = { ...asked.user, id: bytes(asked.user.id) };
    for (const list of ["allowCredentials", "excludeCredentials"])
      if (asked[list]) asked[list] = asked[list].map((known) => ({ ...known, id: bytes(known.id) }));
    return asked;
  };

  const write = (credential) => {
    const given = credential.response;
    const response = { clientDataJSON: text(given.clientDataJSON) };
    if (given.attestationObject) Object.assign(response, { attestationObject: text(given.attestationObject), transports: given.getTransports?.() ?? [] });
    else Object.assign(response, { authenticatorData: text(given.authenticatorData), signature: text(given.signature), userHandle: text(given.userHandle) });
    const { id, type, authenticatorAttachment } = credential;
    return { id, type, rawId: text(credential.rawId), authenticatorAttachment, response, clientExtensionResults: credential.getClientExtensionResults() };
  };

  const options = async (form) => {
    if (form.dataset.options) return JSON.parse(document.getElementById(form.dataset.options).textContent);
    const answer = await fetch(form.dataset.ask, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(answer.statusText);
    return answer.json();
  };

  const ask = async (form) => {
    const given = await options(form);
    if (form.dataset.passkey === "get") return navigator.credentials.get({ publicKey: read(given.request_options) });
    const publicKey = read(given.creation_options);
    const alone = form.elements.passwordless?.checked;
    if (alone !== undefined)
      publicKey.authenticatorSelection = {
        ...publicKey.authenticatorSelection,
        residentKey: alone ? "required" : "discouraged",
        requireResidentKey: alone,
        ...(alone && { userVerification: "required" }),
      };
    return navigator.credentials.create({ publicKey });
  };

  for (const form of window.PublicKeyCredential ? document.querySelectorAll("form[data-passkey]") : []) {
    const button = form.querySelector("[data-passkey-go]");
    const says = form.querySelector("[data-says]");
    button.hidden = false;
    button.addEventListener("click", async () => {
      says.hidden = true;
      if (!form.reportValidity()) return;
      try {
        form.elements.credential.value = JSON.stringify(write(await ask(form)));
        form.submit();
      } catch (problem) {
        // Browsers make none for a site that is opened by its number.
        says.textContent = problem.name === "SecurityError" ? says.dataset.unnamed : says.dataset.says;
        says.hidden = false;
      }
    });
  }
})();
