/** The API key, kept for this tab only. */

const STORED = 'key'

export function authorization(): Record<string, string> {
  const key = sessionStorage.getItem(STORED)
  return key ? { authorization: `Bearer ${key}` } : {}
}

export const hasKey = () => sessionStorage.getItem(STORED) !== null

let asking: Promise<void> | undefined

/** Asks the user for a key, once for all requests that wait for it. Says so if the last key was refused. */
export function askForKey(isRefused: boolean): Promise<void> {
  const dialog = document.querySelector<HTMLDialogElement>('#key')!
  const form = dialog.querySelector('form')!
  const input = form.querySelector('input')!
  const message = dialog.querySelector('[role="alert"]')!
  asking ??= new Promise((resolve) => {
    dialog.showModal()
    message.textContent = isRefused
      ? 'The server refused this key. Check it, and enter it again.'
      : ''
    input.setAttribute('aria-invalid', String(isRefused))
    form.onsubmit = (event) => {
      event.preventDefault()
      sessionStorage.setItem(STORED, String(new FormData(form).get('key')).trim())
      form.reset()
      dialog.close()
      asking = undefined
      resolve()
    }
    // The page shows nothing without a key, so the dialog cannot be closed.
    dialog.oncancel = (event) => event.preventDefault()
  })
  return asking
}
