import { html, nothing } from 'lit-html'
import type { Actions } from '../actions.ts'
import { setFields } from '../controls.ts'
import { type Model, samplerOf } from '../model.ts'
import { brief, count } from '../numbers.ts'
import { differenceOf, profileOf } from '../profiles.ts'
import type { Profile } from '../types.ts'

/** The choice of a profile, and the differences to other profiles. */

function names(model: Model, list: readonly string[]): string {
  return list.map((name) => samplerOf(model.catalogue, name).title).join(', ')
}

/** What another profile does differently with the present settings. */
function difference(model: Model, here: Profile, there: Profile) {
  const { gained, lost, moved, rules } = differenceOf(model.catalogue, here, there)
  const active = new Set(
    model.catalogue.samplers
      .filter((sampler) => setFields(sampler, model.fields).length > 0)
      .map(({ name }) => name as string),
  )
  const set = (list: readonly string[]) => list.filter((name) => active.has(name))
  // With one sampler there is no order.
  const places = active.size > 1 ? set(moved) : []
  const line = (label: string, text: string) =>
    text ? html`<li><b>${label}</b> ${text}</li>` : nothing
  const choices = rules
    .filter(({ sampler }) => active.has(sampler))
    .map(
      ({ sampler, rule, value, here: own }) =>
        `${samplerOf(model.catalogue, sampler).title} ${rule} ${value} (here ${own})`,
    )
  const lines = [...set(lost), ...set(gained), ...places, ...choices]
  const figures = model.compared?.get(there.name)
  return html`<div class="difference" data-profile=${there.name}>
    <h3>${there.title}${
      figures
        ? html` <small>keeps ${count(figures.kept_count)}, entropy ${brief(figures.entropy)}</small>`
        : nothing
    }</h3>
    ${
      lines.length === 0
        ? html`<p class="about">Nothing that matters for these settings.</p>`
        : html`<ul>
            ${line('Does not run', names(model, set(lost)))} ${line('Also runs', names(model, set(gained)))}
            ${line('Runs at another place', names(model, places))} ${line('Other rules', choices.join('; '))}
          </ul>`
    }
  </div>`
}

export function profiles(model: Model, actions: Actions) {
  const { catalogue, fields } = model
  const current = profileOf(catalogue, fields)
  return html`<fieldset class="profiles">
      <legend>As in</legend>
      ${catalogue.profiles.map(
        ({ name, title }) => html`<label><input
          type="radio"
          name="profile"
          .checked=${name === current.name}
          @change=${() => actions.chooseProfile(name)}
        /><span>${title}</span></label>`,
      )}
    </fieldset>
    <p class="about">${current.meaning}</p>
    <details
      class="differences"
      @toggle=${({ target }: Event) => actions.compare((target as HTMLDetailsElement).open)}
    >
      <summary>How the other profiles differ</summary>
      ${catalogue.profiles
        .filter((profile) => profile !== current)
        .map((profile) => difference(model, current, profile))}
    </details>`
}
