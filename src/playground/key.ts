/** The API key, kept for this tab only. */

const STORED = 'key'

export function authorization(): Record<string, string> {
  const key = sessionStorage.getItem(STORED)
  return key ? { authorization: `Bearer ${key}` } : {}
}

let asking: Promise<void> | undefined

/** Asks the user for a key, once for all requests that wait for it. */
export function askForKey(): Promise<void> {
  const dialog = document.querySelector<HTMLDialogElement>('#key')!
  const form = dialog.querySelector('form')!
  asking ??= new Promise((resolve) => {
    dialog.showModal()
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
