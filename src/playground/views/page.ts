import { render } from '/vendor/lit-html/lit-html.js'
import type { Actions } from '../actions.ts'
import type { Model } from '../model.ts'
import { code } from './code.ts'
import { dial, slider } from './dial.ts'
import { distribution } from './distribution.ts'
import { draw } from './draw.ts'
import { funnel } from './funnel.ts'
import { logits } from './logits.ts'
import { samplers } from './samplers.ts'

const sections = {
  '#logits .content': logits,
  '#dial .content': dial,
  '#dial .slider': slider,
  '#bars .content': distribution,
  '#samplers .content': samplers,
  '#funnel .content': funnel,
  '#draw .content': draw,
  '#code .content': code,
}

const places = Object.entries(sections).map(([selector, view]) => ({
  place: document.querySelector<HTMLElement>(selector)!,
  view,
}))

export function renderPage(model: Model, actions: Actions): void {
  for (const { place, view } of places) render(view(model, actions), place)
}
