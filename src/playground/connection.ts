/** What the page says while the server does not answer, and when it tries again. */

/** Times between two tries, in seconds. The last one repeats. */
const WAITS = [1, 2, 4, 8]

const banner = () => document.querySelector<HTMLElement>('#banner')!

let tries = 0
let timer: ReturnType<typeof setInterval> | undefined

/** What to try again, while the server does not answer. */
let missed: (() => void) | undefined

/** Hides the banner, and asks what was missed. Called with every answer. */
export function found(): void {
  if (!missed) return
  const again = missed
  missed = undefined
  tries = 0
  clearInterval(timer)
  timer = undefined
  banner().hidden = true
  again()
}

/** Shows the banner, counts down, and tries again: by itself, or when the user asks. */
export function lost(reason: string, again: () => void): void {
  missed = again
  if (timer !== undefined) return
  let left = WAITS[Math.min(tries++, WAITS.length - 1)]!
  const place = banner()
  const text = place.querySelector('span')!
  const retry = () => {
    clearInterval(timer)
    timer = undefined
    text.textContent = `${reason}. Trying again…`
    again()
  }
  const tell = () => {
    text.textContent = `${reason}. Trying again in ${left} s.`
  }
  place.querySelector('button')!.onclick = retry
  place.hidden = false
  tell()
  timer = setInterval(() => {
    left--
    if (left > 0) tell()
    else retry()
  }, 1000)
}
