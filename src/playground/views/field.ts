import { html, nothing } from 'lit-html'
import type { Actions } from '../actions.ts'
import { controlOf, writeText } from '../controls.ts'
import { faultOf, type Model } from '../model.ts'
import type { Schema } from '../types.ts'

/** The control of a field, made from its schema. */

/** A description, with fields and values in backticks as code. */
function prose(text = '') {
  return text.split('`').map((part, i) => (i % 2 === 0 ? part : html`<code>${part}</code>`))
}

interface Shown {
  /** The id of the control. The ids of its descriptions begin with it. */
  id: string
  label: string
  schema: Schema
  value: unknown
  fault?: string | undefined
  set(value: unknown): void
  write(text: string): void
}

/** The step of the arrow keys: 1 for integers, otherwise a round part of the usual range. */
function stepOf(schema: Schema): number {
  const control = controlOf(schema)
  if (schema.type === 'integer' || control.kind !== 'number') return 1
  return 10 ** Math.floor(Math.log10((control.high - control.low || 1) / 5))
}

/** Takes a typed number at once. An empty control returns to the default when it loses the focus. */
function numberInput({ id, label, schema, value, fault, set }: Shown, described: string) {
  const shown = writeText(value ?? schema.default)
  return html`<input
    id=${id}
    type="number"
    inputmode="decimal"
    step=${stepOf(schema)}
    min=${schema.minimum ?? nothing}
    max=${schema.maximum ?? nothing}
    aria-label=${label}
    aria-describedby=${described}
    aria-invalid=${fault ? 'true' : nothing}
    .value=${shown}
    @input=${({ target }: InputEvent) => {
      const { valueAsNumber } = target as HTMLInputElement
      if (!Number.isNaN(valueAsNumber)) set(valueAsNumber)
    }}
    @change=${({ target }: Event) => {
      const input = target as HTMLInputElement
      if (!Number.isNaN(input.valueAsNumber)) return
      set(undefined)
      input.value = writeText(schema.default)
    }}
  />`
}

function inputs(shown: Shown, described: string): unknown {
  const { id, label, schema, value, fault, set, write } = shown
  const control = controlOf(schema)
  switch (control.kind) {
    case 'number': {
      const { low, high, step } = control
      return html`<input
          type="range"
          min=${low}
          max=${high}
          step=${step}
          aria-label=${`${label}, slider`}
          .value=${String(value ?? schema.default ?? low)}
          @input=${({ target }: InputEvent) => set((target as HTMLInputElement).valueAsNumber)}
        />${numberInput(shown, described)}`
    }
    case 'switch':
      return html`<input
        id=${id}
        type="checkbox"
        aria-describedby=${described}
        .checked=${Boolean(value ?? schema.default)}
        @change=${({ target }: Event) => set((target as HTMLInputElement).checked)}
      />`
    case 'choice': {
      const chosen = value ?? schema.default
      return html`<select
        id=${id}
        aria-describedby=${described}
        @change=${({ target }: Event) => set(control.options[(target as HTMLSelectElement).selectedIndex])}
      >
        ${control.options.map(
          (option) => html`<option .selected=${option === chosen}>${option}</option>`,
        )}
      </select>`
    }
    case 'group':
      return Object.entries(control.schemas).map(([name, inner]) => {
        const whole = (value ?? {}) as Record<string, unknown>
        return field({
          id: `${id}-${name}`,
          label: name,
          schema: inner,
          value: whole[name],
          set: (part) => {
            const { [name]: _, ...others } = whole
            const parts = part === undefined ? others : { ...others, [name]: part }
            set(Object.keys(parts).length > 0 ? parts : undefined)
          },
          write: () => {},
        })
      })
    default:
      return html`<input
        id=${id}
        type="text"
        spellcheck="false"
        autocomplete="off"
        placeholder=${control.kind === 'tokens' ? 'ids, or words in quotes' : ''}
        aria-describedby=${described}
        aria-invalid=${fault ? 'true' : nothing}
        .value=${writeText(value)}
        @change=${({ target }: Event) => write((target as HTMLInputElement).value)}
      />`
  }
}

function field(shown: Shown) {
  const { id, label, schema, fault } = shown
  const described = `${id}-about`
  const isGroup = controlOf(schema).kind === 'group'
  const name = isGroup
    ? html`<span class="label">${label}</span>`
    : html`<label class="label" for=${id}>${label}</label>`
  return html`<div class="field" data-field=${label}>
    ${name}
    <div class="controls">${inputs(shown, described)}</div>
    <p id=${described} class="about">
      ${fault ? html`<strong class="fault">${fault}</strong>` : nothing} ${prose(schema.description)}
    </p>
  </div>`
}

/** A field of the request. */
export function requestField(model: Model, actions: Actions, name: string, schema: Schema) {
  return field({
    id: `field-${name}`,
    label: name,
    schema,
    value: model.fields[name],
    fault: faultOf(model, name),
    set: (value) => actions.setField(name, value),
    write: (text) => actions.writeField(name, text),
  })
}
