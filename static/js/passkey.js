// Shows an error on the page when a passkey fails. The library only logs it to the console.
document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  const error = document.getElementById("passkey-error");
  if (error) error.hidden = false;
});
