// Exchanges a key for a cookie that opens the pages, and loads the page again.
const form = document.querySelector('form')
const message = document.querySelector('[role="alert"]')

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  const key = document.querySelector('#key').value.trim()
  message.textContent = ''
  try {
    const headers = { authorization: `Bearer ${key}` }
    const response = await fetch('/sign-in', { method: 'POST', headers })
    if (response.ok) {
      // The playground sends its requests with this key, as long as the tab is open.
      sessionStorage.setItem('key', key)
      location.reload()
    } else {
      message.textContent =
        response.status === 401
          ? 'The server refused this key. Check it, and enter it again.'
          : `The server cannot answer now (${response.status}). Try again.`
    }
  } catch {
    message.textContent = 'The server does not answer. Try again.'
  }
})
