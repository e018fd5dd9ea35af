import { type Actions, createActions } from './actions.ts'
import { get, Refusal } from './api.ts'
import { debounced, newest } from './asking.ts'
import { askAnswer, askCurve, askProfiles, askRaw, question } from './asks.ts'
import { Curve } from './curve.ts'
import type { Limits } from './files.ts'
import { BadLink, fromFragment, toFragment, unpackLogits } from './link.ts'
import { answerOf, type Change, type Model, temperatureOf } from './model.ts'
import { brief, count } from './numbers.ts'
import { type PresetFile, readPresets } from './presets.ts'
import { createSharing, toLinked } from './sharing.ts'
import type { Catalogue, Problem, Row } from './types.ts'
import { renderPage } from './views/page.ts'

async function boot(): Promise<Model> {
  const [catalogue, { first, ...presetFile }, { limits }] = await Promise.all([
    get<Catalogue>('/v1/samplers'),
    get<PresetFile>('/playground/presets.json'),
    get<{ limits: Limits }>('/v1/info'),
  ])
  const presets = readPresets(presetFile)
  const { row, vocabulary, context } = presets.find(({ id }) => id === first.row)!
  return {
    catalogue,
    limits,
    presets,
    row,
    vocabulary,
    fields: { ...first.fields, ...context },
    unreadable: new Map(),
    remembered: new Map(),
    open: new Set(),
    filter: '',
    language: 'curl',
    notice: '',
    comparing: false,
    said: '',
    copied: '',
  }
}

/** Loads the state from the address, if it has one. */
async function followLink(model: Model): Promise<void> {
  const fragment = location.hash.slice(1)
  if (fragment.length < 8) return
  try {
    const linked = await fromFragment(fragment)
    const preset = model.presets.find(({ id }) => id === linked.preset)
    if (!preset && !linked.logits)
      throw new BadLink('This link names a row that this server does not have')
    const row: Row = preset?.row ?? {
      name: linked.name ?? 'Linked logits',
      logits: unpackLogits(linked.logits!),
    }
    const words: string[] = []
    for (const [id, word] of Object.entries(linked.words ?? {})) words[Number(id)] = word
    model.row = row
    model.given = undefined
    model.fields = linked.fields
    model.vocabulary =
      linked.vocabulary === undefined && preset
        ? preset.vocabulary
        : { name: linked.vocabulary ?? '', words }
    model.inspected = linked.inspected
  } catch (error) {
    if (!(error instanceof BadLink)) throw error
    model.notice = error.message
  }
}

const model = await boot()
await followLink(model)

const curve = new Curve(document.querySelector('#curve')!, (temperature) =>
  actions.setField('temperature', temperature),
)
const notice = document.querySelector('#notice')!
const status = document.querySelector('#status')!

const NO_CURVE = { temperatures: [], entropies: [] }

let isDue = false
function render(): void {
  if (isDue) return
  isDue = true
  requestAnimationFrame(() => {
    isDue = false
    renderNow()
  })
}

function renderNow(): void {
  const answer = answerOf(model)
  const temperature = temperatureOf(model)
  document.documentElement.style.setProperty('--heat', String(Math.min(temperature / 2, 1)))
  // An element loses the focus when it is moved, so the focus is restored.
  const focused = document.activeElement
  renderPage(model, actions)
  if (focused instanceof HTMLElement && focused !== document.activeElement) focused.focus()
  const now = answer && { temperature, entropy: answer.result.entropy }
  curve.show({
    ...(model.curve ?? NO_CURVE),
    now,
  })
  if (notice.textContent !== model.notice) notice.textContent = model.notice
}

/** Announces the result to screen readers, once the page has settled. */
const announce = debounced(() => {
  const { answer, problem } = model
  if (problem) status.textContent = problem.detail
  else if (answer) {
    const { entropy, kept_count } = answer.result
    status.textContent = `Temperature ${temperatureOf(model)}: ${count(kept_count)} tokens kept, entropy ${brief(entropy)} nats`
  }
}, 700)

function fail(error: unknown): void {
  if (error instanceof Refusal) {
    model.problem = error.problem
  } else {
    model.problem = {
      code: 'INTERNAL_ERROR',
      detail: 'Kelvin does not answer',
      errors: [],
    } as unknown as Problem
  }
  announce()
  render()
}

const ask = newest(
  askAnswer,
  (answer, { fields }) => {
    model.answer = answer
    model.problem = undefined
    // The seed that the server drew becomes part of the state, so that the draw can be repeated.
    if (model.fields === fields && fields.seed === undefined) {
      model.fields = { ...fields, seed: answer.result.seed }
    }
    announce()
    render()
  },
  fail,
)

const askForRaw = newest(
  askRaw,
  (raw, row) => {
    if (row !== model.row) return
    model.raw = raw
    ask(question(model))
  },
  fail,
)

/** The row and its fields, without `omitted` and the fields of the draw. A comparison sets these itself, or does not need them. */
function varied(...omitted: string[]) {
  const { row, fields, catalogue } = model
  const names = [...omitted, ...Object.keys(catalogue.fields.draw)]
  const kept = Object.entries(fields).filter(([name]) => !names.includes(name))
  return { row, fields: Object.fromEntries(kept) }
}

const askForCurve = newest(
  askCurve,
  (points, { row }) => {
    if (row === model.row) model.curve = points
    render()
  },
  // The error is shown with the answer.
  () => {
    model.curve = undefined
    render()
  },
)
/** The row and settings of the current curve. The temperature is not among them, because it does not change the curve. */
let curved = { row: model.row, settings: '' }
const renewCurve = debounced(() => {
  const { row, fields } = varied('temperature', 'step', 'seed')
  const settings = JSON.stringify(fields)
  if (row === curved.row && settings === curved.settings && model.curve) return
  curved = { row, settings }
  askForCurve(varied('temperature'))
}, 120)

const askForProfiles = newest(
  askProfiles,
  (compared) => {
    model.compared = compared
    render()
  },
  () => {
    model.compared = undefined
    render()
  },
)
const renewProfiles = debounced(() => {
  if (!model.comparing) return
  askForProfiles({ ...varied(), names: model.catalogue.profiles.map(({ name }) => name) })
}, 120)

/** Up to this row length the address always has the state; for longer rows it is made when the user copies a link. */
const ADDRESSED = 4096
const remember = debounced(() => {
  if (model.row.logits.length > ADDRESSED) return
  void toFragment(toLinked(model)).then((fragment) =>
    history.replaceState(null, '', `#${fragment}`),
  )
}, 400)

function changed(change: Change): void {
  if (change === 'row') {
    model.raw = undefined
    model.curve = undefined
    model.compared = undefined
    askForRaw(model.row)
  }
  if (change === 'fields' && model.raw) ask(question(model))
  if (change !== 'view') {
    model.said = ''
    model.copied = ''
    renewCurve()
    renewProfiles()
    remember()
  }
  render()
}

const actions: Actions = {
  ...createActions(model, changed),
  ...createSharing(model, changed),
  compare(open: boolean) {
    model.comparing = open
    renewProfiles()
  },
}

addEventListener('hashchange', () => {
  void followLink(model).then(() => changed('row'))
})
addEventListener('dragover', (event) => event.preventDefault())
addEventListener('drop', (event) => {
  event.preventDefault()
  const files = event.dataTransfer?.files
  if (files?.length) void actions.giveFiles(files)
})

changed('row')
