// Swagger UI's own bar leads nowhere, and is there only when its script has made it.
new MutationObserver((_changes, observer) => {
  const link = document.querySelector('.topbar a.link')
  if (!link) return
  link.href = '/'
  link.setAttribute('aria-label', 'Kelvin, the playground')
  observer.disconnect()
}).observe(document.body, { childList: true, subtree: true })
