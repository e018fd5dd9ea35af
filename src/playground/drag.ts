import type { Actions } from './actions.ts'

/** A sampler is taken by its grip, and let go above another; fingers and mice alike. Keys have buttons for it. */
export function startDrag(event: PointerEvent, name: string, actions: Actions): void {
  if (event.button !== 0) return
  event.preventDefault()
  const ending = new AbortController()
  const { signal } = ending
  actions.drag(name, name)

  addEventListener(
    'pointermove',
    ({ clientX, clientY }) => {
      const under = document.elementFromPoint(clientX, clientY)?.closest('ol [data-sampler]')
      if (!(under instanceof HTMLElement)) return
      const { top, height } = under.getBoundingClientRect()
      const next = clientY < top + height / 2 ? under : under.nextElementSibling
      actions.drag(name, (next as HTMLElement | null)?.dataset.sampler)
    },
    { signal },
  )
  const end = (finish: () => void) => () => {
    ending.abort()
    finish()
  }
  addEventListener('pointerup', end(actions.drop), { signal })
  addEventListener('pointercancel', end(actions.cancelDrag), { signal })
  addEventListener(
    'keydown',
    ({ key }) => {
      if (key === 'Escape') end(actions.cancelDrag)()
    },
    { signal },
  )
}
