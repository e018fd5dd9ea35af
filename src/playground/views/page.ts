import { type nothing, render as renderInto, type TemplateResult } from 'lit-html'
import type { Actions } from '../actions.ts'
import type { Curve } from '../curve.ts'
import type { Model } from '../model.ts'
import { settleGroups } from '../roving.ts'
import { code } from './code.ts'
import { createCurve, showCurve } from './curve.ts'
import { dial } from './dial.ts'
import { distribution } from './distribution.ts'
import { draw } from './draw.ts'
import { formula } from './formula.ts'
import { funnel } from './funnel.ts'
import { intake } from './intake.ts'
import { samplers } from './samplers.ts'
import { dialText } from './tale.ts'
import { three } from './three.ts'

type View = (model: Model, actions: Actions) => TemplateResult | typeof nothing

const views: Readonly<Record<string, View>> = {
  '#formula': formula,
  '#dial .content': dial,
  '#bars .content': distribution,
  '#text .content': dialText,
  '#three .content': three,
  '#samplers .content': samplers,
  '#funnel .content': funnel,
  '#draw .content': draw,
  '#code .content': code,
  '#intake .content': intake,
}

const places = Object.entries(views).map(([selector, view]) => ({
  place: document.querySelector<HTMLElement>(selector)!,
  view,
}))
let curve: Curve | undefined

export function render(model: Model, actions: Actions): void {
  for (const { place, view } of places) renderInto(view(model, actions), place)
  curve ??= createCurve(actions)
  showCurve(curve, model)
  settleGroups()
}
