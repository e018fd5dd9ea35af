import type { Actions } from './actions.ts'

/** Drags a sampler by its grip and drops it before another, by mouse or touch. For the keyboard there are buttons. */
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
