/** Makes a group of buttons one stop of the Tab key. The arrow keys move within the group. */

const ITEMS = '[data-item]'
const moves: Readonly<Record<string, number>> = {
  ArrowLeft: -1,
  ArrowUp: -1,
  ArrowRight: 1,
  ArrowDown: 1,
}

/** Handles the keys of a group. */
export function rove(event: KeyboardEvent): void {
  const group = event.currentTarget as HTMLElement
  const items = [...group.querySelectorAll<HTMLElement>(ITEMS)]
  const at = items.indexOf(document.activeElement as HTMLElement)
  if (at < 0) return
  const ends: Readonly<Record<string, number>> = { Home: 0, End: items.length - 1 }
  const to = ends[event.key] ?? at + (moves[event.key] ?? Number.NaN)
  const next = items[to]
  if (!next) return
  event.preventDefault()
  next.focus()
}

/** After each render, one item of each group can be reached by Tab: the one that has the focus, is pressed, or is first. */
export function settleGroups(): void {
  for (const group of document.querySelectorAll('[data-group]')) {
    const items = [...group.querySelectorAll<HTMLElement>(ITEMS)]
    const stop =
      items.find((item) => item === document.activeElement) ??
      items.find((item) => item.getAttribute('aria-pressed') === 'true') ??
      items[0]
    for (const item of items) item.tabIndex = item === stop ? 0 : -1
  }
}
