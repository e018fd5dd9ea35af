import { repeat } from '/vendor/lit-html/directives/repeat.js'
import { html, nothing } from '/vendor/lit-html/lit-html.js'
import type { Actions } from '../actions.ts'
import { setFields, summary } from '../controls.ts'
import { startDrag } from '../drag.ts'
import { faultOf, type Model } from '../model.ts'
import { count, percent } from '../numbers.ts'
import { orderOf, profileOf } from '../profiles.ts'
import type { Sampler, TraceStep } from '../types.ts'
import { requestField } from './field.ts'
import { profiles } from './profiles.ts'

/** The samplers in the order in which they run, each with the controls of its fields. */

function effect({ kept_before, kept_after, mass_removed }: TraceStep): string {
  const dropped = kept_before - kept_after
  if (dropped === 0) return 'drops none'
  return `drops ${count(dropped)}, ${percent(mass_removed)}`
}

interface Place {
  /** The place in the order. Omitted if the sampler does not run. */
  index?: number
  last: number
}

function moveButtons({ name, title }: Sampler, { index, last }: Place, actions: Actions) {
  if (index === undefined) return nothing
  const button = (by: -1 | 1, label: string, sign: string) => html`<button
    type="button"
    class="move"
    data-move=${by}
    aria-label=${`${title}: run ${label}`}
    title=${`Run ${label}`}
    aria-disabled=${(by < 0 ? index === 0 : index === last) ? 'true' : nothing}
    @click=${() => actions.move(name, by)}
  >${sign}</button>`
  return html`${button(-1, 'earlier', '↑')}${button(1, 'later', '↓')}`
}

function card(model: Model, actions: Actions, sampler: Sampler, place: Place) {
  const { name, title, meaning, reference, fields } = sampler
  const set = setFields(sampler, model.fields)
  const isOpen = model.open.has(name)
  const step = model.answer?.result.trace?.find((one) => one.sampler === name)
  const isFaulty = Object.keys(fields).some((field) => faultOf(model, field))
  const isDragged = model.dragged?.name === name
  const isTarget = model.dragged && !isDragged && model.dragged.before === name
  const classes = [
    'sampler',
    set.length > 0 && 'set',
    isFaulty && 'faulty',
    isDragged && 'dragged',
    isTarget && 'target',
  ]
  return html`<li class=${classes.filter(Boolean).join(' ')} data-sampler=${name}>
    <div class="head">
      <span
        class="grip"
        aria-hidden="true"
        ?hidden=${place.index === undefined}
        @pointerdown=${(event: PointerEvent) => startDrag(event, name, actions)}
      >⠿</span>
      <input
        type="checkbox"
        role="switch"
        aria-label=${title}
        .checked=${set.length > 0}
        @change=${() => actions.toggleSampler(name)}
      />
      <button
        type="button"
        class="title"
        aria-expanded=${isOpen}
        aria-controls=${`sampler-${name}`}
        @click=${() => actions.toggleOpen(name)}
      >
        <span class="name">${title}</span>
        <span class="values">${set.map(([field, value]) => html`<span>${field === name ? '' : `${field} `}${summary(value)}</span>`)}</span>
        <span class="effect">${step ? effect(step) : nothing}</span>
      </button>
      ${moveButtons(sampler, place, actions)}
    </div>
    <p class="meaning">${meaning}</p>
    <div id=${`sampler-${name}`} class="body" ?hidden=${!isOpen}>
      ${isOpen ? Object.entries(fields).map(([field, schema]) => requestField(model, actions, field, schema)) : nothing}
      <p class="paper"><a href=${reference.url} target="_blank" rel="noreferrer">${reference.title}</a></p>
    </div>
  </li>`
}

/** The list of samplers. While one is dragged, a mark shows the place where it would be dropped. */
export function samplers(model: Model, actions: Actions) {
  const { catalogue, fields } = model
  const order = orderOf(catalogue, fields)
  const wanted = model.filter.trim().toLowerCase()
  const isWanted = (sampler: Sampler) =>
    `${sampler.name} ${sampler.title} ${sampler.meaning} ${Object.keys(sampler.fields)}`
      .toLowerCase()
      .includes(wanted)
  const byName = new Map(catalogue.samplers.map((sampler) => [sampler.name as string, sampler]))
  const inOrder = order.flatMap((name) => byName.get(name) ?? [])
  const others = catalogue.samplers.filter(({ name }) => !order.includes(name))
  const place = (sampler: Sampler): Place => ({
    index: order.indexOf(sampler.name),
    last: order.length - 1,
  })
  const list = (some: readonly Sampler[], placeOf: (sampler: Sampler) => Place) =>
    repeat(
      some.filter(isWanted),
      ({ name }) => name,
      (sampler) => card(model, actions, sampler, placeOf(sampler)),
    )
  const lacking = fields.order
    ? 'Not in the order'
    : `Not in the order of ${profileOf(catalogue, fields).title}`
  return html`
    ${profiles(model, actions)}
    <div class="tools">
      <label>Find <input
        type="search"
        .value=${model.filter}
        @input=${({ target }: InputEvent) => actions.filter((target as HTMLInputElement).value)}
      /></label>
      <button type="button" class="plain" ?hidden=${!fields.order} @click=${() => actions.setField('order', undefined)}>The profile’s order</button>
      <button type="button" class="plain" @click=${() => actions.reset()}>All off</button>
    </div>
    <ol class="samplers" aria-label="Samplers, in the order they run">${list(inOrder, place)}</ol>
    ${
      others.length > 0
        ? html`<h3>${lacking}</h3>
            <ul class="samplers lacking">${list(others, () => ({ last: 0 }))}</ul>`
        : nothing
    }
  `
}
