/** The key of a server that asks for one, kept for this tab alone. */

const STORED = 'key'

export function authorization(): Record<string, string> {
  const key = sessionStorage.getItem(STORED)
  return key ? { authorization: `Bearer ${key}` } : {}
}

let asking: Promise<void> | undefined

/** Asks whoever looks at the page, once for all requests that want it. */
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
    // There is nothing to see without one.
    dialog.oncancel = (event) => event.preventDefault()
  })
  return asking
}
