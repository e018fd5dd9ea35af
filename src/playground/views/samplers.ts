import { html, nothing } from 'lit-html'
import { repeat } from 'lit-html/directives/repeat.js'
import type { Actions } from '../actions.ts'
import { setFields, summary } from '../controls.ts'
import { startDrag } from '../drag.ts'
import { faultOf, isStale, type Model } from '../model.ts'
import { count, percent } from '../numbers.ts'
import { orderOf, profileOf } from '../profiles.ts'

import type { Sampler, TraceStep } from '../types.ts'
import { requestField } from './field.ts'
import { profiles } from './profiles.ts'

/** The samplers: the common ones first, the others by stage. In another mode, all of them in the order in which they run. */

function effect({ kept_before, kept_after, mass_removed }: TraceStep): string {
  const dropped = kept_before - kept_after
  if (dropped === 0) return 'drops none'
  return `drops ${count(dropped)}, ${percent(mass_removed)}`
}

/** What the samplers of a stage have in common. */
const stages: Readonly<Record<Sampler['stage'], string>> = {
  mask: 'Masks and biases',
  penalty: 'Penalties',
  temperature: 'Shape',
  truncation: 'Truncation',
  draw: 'Feedback from draw to draw',
}

/** The temperature has the dial, but its other fields are here. */
const withoutDial = ({ fields }: Sampler) =>
  Object.entries(fields).filter(([name]) => name !== 'temperature')

function isSet(model: Model, sampler: Sampler): boolean {
  return setFields(sampler, model.fields).some(([name]) => name !== 'temperature')
}

function values(model: Model, sampler: Sampler) {
  const set = setFields(sampler, model.fields).filter(([name]) => name !== 'temperature')
  return set.map(
    ([field, value]) =>
      html`<span>${field === sampler.name ? '' : `${field} `}${summary(value)}</span>`,
  )
}

function head(model: Model, actions: Actions, sampler: Sampler) {
  const { name, title } = sampler
  const step = model.dial.answer?.result.trace?.find((one) => one.sampler === name)
  return html`<label class="title"><input
        type="checkbox"
        role="switch"
        aria-label=${title}
        .checked=${isSet(model, sampler) || model.open.has(name)}
        @change=${() => actions.toggleSampler(name)}
      /><span class="name">${title}</span>
      <span class="values">${values(model, sampler)}</span></label>
    <span class=${`effect ${isStale(model, model.dial) ? 'stale' : ''}`}>${step ? effect(step) : nothing}</span>`
}

function card(model: Model, actions: Actions, sampler: Sampler) {
  const { name, meaning, reference } = sampler
  const isOpen = isSet(model, sampler) || model.open.has(name)
  const isFaulty = withoutDial(sampler).some(([field]) => faultOf(model, field))
  return html`<li class=${`sampler ${isOpen ? 'set' : ''} ${isFaulty ? 'faulty' : ''}`} data-sampler=${name}>
    <div class="head">${head(model, actions, sampler)}</div>
    <p class="meaning">${meaning}</p>
    ${
      isOpen
        ? html`<div class="body">
            ${withoutDial(sampler).map(([field, schema]) => requestField(model, actions, field, schema))}
            <p class="paper"><a href=${reference.url} target="_blank" rel="noreferrer">${reference.title}</a></p>
          </div>`
        : nothing
    }
  </li>`
}

const cards = (model: Model, actions: Actions, some: readonly Sampler[]) =>
  repeat(
    some,
    ({ name }) => name,
    (sampler) => card(model, actions, sampler),
  )

function moveButtons({ name, title }: Sampler, index: number, last: number, actions: Actions) {
  const button = (by: -1 | 1, label: string, sign: string) => html`<button
    type="button"
    class="move"
    data-item
    data-move=${by}
    aria-label=${`${title}: run ${label}`}
    title=${`Run ${label}`}
    aria-disabled=${(by < 0 ? index === 0 : index === last) ? 'true' : nothing}
    @click=${() => actions.move(name, by)}
  >${sign}</button>`
  return html`${button(-1, 'earlier', '↑')}${button(1, 'later', '↓')}`
}

/** All samplers in the order in which they run. While one is dragged, a mark shows where it would be dropped. */
function orderList(model: Model, actions: Actions) {
  const { catalogue, dragged } = model
  const byName = new Map(catalogue.samplers.map((sampler) => [sampler.name as string, sampler]))
  const order = orderOf(catalogue, model.fields).flatMap((name) => byName.get(name) ?? [])
  return html`<p class="about">Drag a sampler, or use its buttons. It runs from top to bottom.</p>
    <ol class="samplers order" aria-label="Samplers, in the order they run">${repeat(
      order,
      ({ name }) => name,
      (sampler, index) => {
        const { name, title } = sampler
        const isDragged = dragged?.name === name
        const isTarget = dragged && !isDragged && dragged.before === name
        const isOn =
          isSet(model, sampler) ||
          (name === 'temperature' && model.fields.temperature !== undefined)
        return html`<li class=${`sampler ${isOn ? 'set' : ''} ${isDragged ? 'dragged' : ''} ${isTarget ? 'target' : ''}`} data-sampler=${name}>
          <div class="head"><span class="grip" aria-hidden="true" @pointerdown=${(event: PointerEvent) => startDrag(event, name, actions)}>⠿</span>
            <span class="name">${title}</span> <span class="values">${values(model, sampler)}</span>
            ${moveButtons(sampler, index, order.length - 1, actions)}</div>
        </li>`
      },
    )}</ol>`
}

function more(model: Model, actions: Actions, others: readonly Sampler[]) {
  const wanted = model.filter.trim().toLowerCase()
  const found = others.filter(({ name, title, meaning, fields }) =>
    `${name} ${title} ${meaning} ${Object.keys(fields)}`.toLowerCase().includes(wanted),
  )
  const byStage = Map.groupBy(found, ({ stage }) => stage)
  return html`<details class="more" ?open=${model.isShowingAll} @toggle=${({ target }: Event) => actions.showAll((target as HTMLDetailsElement).open)}>
      <summary>More samplers (${others.length})</summary>
      <label class="search">Find <input type="search" .value=${model.filter} @input=${({ target }: InputEvent) => actions.filter((target as HTMLInputElement).value)} /></label>
      ${found.length === 0 ? html`<p class="about">No sampler has this in its name, meaning or fields.</p>` : nothing}
      ${[...byStage].map(
        ([stage, some]) => html`<h3>${stages[stage]}</h3>
          <ul class="samplers">${cards(model, actions, some)}</ul>`,
      )}
    </details>`
}

export function samplers(model: Model, actions: Actions) {
  const { catalogue, fields, isReordering } = model
  const order = orderOf(catalogue, fields)
  // Of a sampler whose only field is the temperature, nothing would be left to show.
  const shown = catalogue.samplers.filter((sampler) => withoutDial(sampler).length > 0)
  const common = shown.filter(
    (sampler) =>
      sampler.is_common && withoutDial(sampler).length === Object.keys(sampler.fields).length,
  )
  const others = shown.filter((sampler) => !common.includes(sampler))
  const lacking = shown.filter((sampler) => isSet(model, sampler) && !order.includes(sampler.name))
  return html`
    <p class="lead">A sampler removes words or changes their scores before the draw. All are off at first.</p>
    ${
      isReordering
        ? orderList(model, actions)
        : html`<ul class="samplers common">${cards(model, actions, common)}</ul>
            ${more(model, actions, others)}`
    }
    ${
      lacking.length > 0
        ? html`<p class="warning">${fields.order ? 'Your order' : profileOf(catalogue, fields).title} does not run ${lacking.map(({ title }) => title).join(', ')}.</p>`
        : nothing
    }
    <div class="buttons tools">
      <button type="button" data-act="reorder" aria-pressed=${isReordering} @click=${() => actions.reorder(!isReordering)}>${isReordering ? 'Done' : 'Reorder'}</button>
      <button type="button" class="plain" ?hidden=${!fields.order} @click=${() => actions.setField('order', undefined)}>The profile’s order</button>
      <button type="button" class="plain" data-act="reset" ?hidden=${!catalogue.samplers.some((one) => isSet(model, one)) && !model.fields.profile} @click=${() => actions.reset()}>All off</button>
    </div>
    ${profiles(model, actions)}
  `
}
