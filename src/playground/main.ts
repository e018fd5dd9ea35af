import type { Actions } from './actions.ts'
import { get, Refusal, Unreachable } from './api.ts'
import { debounced, newest } from './asking.ts'
import { askAnswer, askCurve, askProfiles, question } from './asks.ts'
import { found, lost } from './connection.ts'
import { followLink } from './following.ts'
import type { Limits } from './intake/files.ts'
import { BadModel, type LanguageModel, openOwnModel } from './language-model.ts'
import { toFragment } from './link.ts'
import { type Change, type Model, temperatureOf } from './model.ts'
import { brief, count } from './numbers.ts'
import file from './opening.json' with { type: 'json' }
import { type Opening, readOpening } from './opening.ts'
import { answerOf, newScene, type Scene, takenAt } from './scene.ts'
import { createSettings } from './settings.ts'
import { createSharing, LONGEST_LINK, toLinked } from './sharing.ts'
import { createIntake } from './taking.ts'
import { newColumn, rewriteFrom } from './tale.ts'
import { createTelling } from './telling.ts'
import type { Catalogue } from './types.ts'
import { render } from './views/page.ts'
import { createWriter } from './writing.ts'

const SEED = '42'
const THREE = [0.2, 0.8, 1.5]

function sceneOf(name: Scene['name'], opening: Opening, temperatures: readonly number[]): Scene {
  const { beginning, promptIds, vocabulary } = opening
  const columns = temperatures.map(newColumn)
  return newScene(name, vocabulary, { beginning, promptIds, columns, isWriting: false })
}

async function boot(): Promise<Model> {
  const [catalogue, { limits }] = await Promise.all([
    get<Catalogue>('/v1/samplers'),
    get<{ limits: Limits }>('/v1/info'),
  ])
  const opening = readOpening(file)
  const dial = sceneOf('dial', opening, [1])
  dial.at = { column: 0, position: 0 }
  dial.row = opening.row
  dial.context = { prompt_token_ids: opening.promptIds }
  return {
    catalogue,
    limits,
    fields: { seed: SEED },
    textSeed: SEED,
    dial,
    three: sceneOf('three', opening, THREE),
    curve: undefined,
    compared: undefined,
    isComparing: false,
    unreadable: new Map(),
    remembered: new Map(),
    isShowingSteps: false,
    isShowingMore: false,
    isShowingAll: false,
    isReordering: false,
    open: new Set(),
    filter: '',
    dragged: undefined,
    language: 'curl',
    notice: '',
    said: '',
    copied: '',
  }
}

/** Starts the page. While the server does not answer, the banner says so, and it is tried again. */
function start(): void {
  boot().then(
    (model) => {
      found()
      run(model)
    },
    (error) => lost(error instanceof Unreachable ? error.message : 'The page cannot start', start),
  )
}

function run(model: Model): void {
  const { dial, three } = model
  const scenes = [dial, three]

  let isDue = false
  function draw(): void {
    if (isDue) return
    isDue = true
    requestAnimationFrame(() => {
      isDue = false
      // An element loses the focus when it is moved, so the focus is restored.
      const focused = document.activeElement
      render(model, actions)
      if (focused instanceof HTMLElement && focused !== document.activeElement) focused.focus()
    })
  }

  /** Announces the result to screen readers, once the page has settled. */
  const announce = debounced(() => {
    const status = document.querySelector('#status')!
    const { answer, problem } = dial
    if (problem) status.textContent = problem.detail
    else if (answer) {
      const { entropy, kept_count } = answer.result
      status.textContent = `Temperature ${temperatureOf(answer.fields)}: ${count(kept_count)} tokens kept, entropy ${brief(entropy)} nats`
    }
  }, 700)

  function failed(scene: Scene, error: unknown): void {
    if (error instanceof Unreachable) lost(error.message, again)
    else if (error instanceof Refusal) scene.problem = error.problem
    else if (error instanceof BadModel) model.notice = error.message
    else throw error
    announce()
    draw()
  }

  function asker(scene: Scene) {
    return newest(
      askAnswer,
      (answer, { fields, row }) => {
        found()
        if (row !== scene.row) return
        scene.problem = undefined
        scene.answer = answer
        // The seed that the server drew becomes part of the state, so that the draw can be repeated.
        if (scene === dial && model.fields === fields && fields.seed === undefined) {
          model.fields = { ...fields, seed: answer.result.seed }
          scene.answer = { ...answer, fields: model.fields }
          askAbout(three)
        }
        announce()
        draw()
      },
      (error) => failed(scene, error),
    )
  }
  const ask = { dial: asker(dial), three: asker(three) }

  function askAbout(scene: Scene): void {
    const asked = question(model, scene)
    if (asked) ask[scene.name](asked)
  }

  let opened: Promise<LanguageModel> | undefined
  function languageModel(): Promise<LanguageModel> {
    opened ??= openOwnModel().catch((error) => {
      opened = undefined
      throw error
    })
    return opened
  }

  const writerOf = (scene: Scene) =>
    createWriter(scene, {
      model,
      languageModel,
      written() {
        found()
        // The answer must also be about the word that has just been written.
        const taken = takenAt(scene)
        const { watched = [] } = answerOf(scene)?.result ?? {}
        if (taken !== undefined && !watched.some(({ token_id }) => token_id === taken)) {
          askAbout(scene)
        }
        draw()
      },
      ended: draw,
      failed: (error) => failed(scene, error),
    })
  const writers = { dial: writerOf(dial), three: writerOf(three) }

  /** The settings with which the texts on screen are written. */
  let written = { settings: '', temperature: Number.NaN }
  let isThreeSeen = false
  const rewrite = debounced(() => {
    const { temperature: _, n: __, replacement: ___, seed: ____, ...others } = model.fields
    const now = {
      settings: JSON.stringify([others, model.textSeed]),
      temperature: temperatureOf(model.fields),
    }
    const isOther = now.settings !== written.settings
    const column = dial.tale?.columns[0]
    if (column && (isOther || now.temperature !== written.temperature)) {
      column.temperature = now.temperature
      rewriteFrom(column, dial.at?.position ?? 0)
      writers.dial.write()
    }
    if (isOther && isThreeSeen) {
      for (const one of three.tale!.columns) rewriteFrom(one, 0)
      writers.three.write()
    }
    written = now
  }, 150)

  new IntersectionObserver((entries, observer) => {
    if (!entries.some(({ isIntersecting }) => isIntersecting)) return
    observer.disconnect()
    isThreeSeen = true
    writers.three.write()
  }).observe(document.querySelector('#three')!)

  const askForCurve = newest(
    askCurve,
    (points, { row }) => {
      if (row === dial.row) model.curve = points
      draw()
    },
    // The error is shown with the answer.
    () => {
      model.curve = undefined
      draw()
    },
  )

  /** The row and settings of the dial, without some fields and those of the draw. */
  function varied(...omitted: string[]) {
    const names = [...omitted, ...Object.keys(model.catalogue.fields.draw)]
    const all = Object.entries({ ...model.fields, ...dial.context })
    return {
      row: dial.row!,
      fields: Object.fromEntries(all.filter(([name]) => !names.includes(name))),
    }
  }

  /** The row and settings of the current curve. The temperature is not among them, because it does not change the curve. */
  let curved = { row: dial.row, settings: '' }
  const renewCurve = debounced(() => {
    const { row, fields } = varied('temperature', 'step', 'seed')
    const settings = JSON.stringify(fields)
    if (row === curved.row && settings === curved.settings && model.curve) return
    curved = { row, settings }
    askForCurve(varied('temperature'))
  }, 200)

  const askForProfiles = newest(
    askProfiles,
    (compared) => {
      model.compared = compared
      draw()
    },
    () => {
      model.compared = undefined
      draw()
    },
  )
  const renewProfiles = debounced(() => {
    if (!model.isComparing) return
    askForProfiles({ ...varied(), names: model.catalogue.profiles.map(({ name }) => name) })
  }, 200)

  /** Keeps the state in the address, unless that would be too long for a link. */
  const remember = debounced(() => {
    if (dial.row!.logits.length > LONGEST_LINK) return
    void toFragment(toLinked(model)).then((fragment) => {
      if (fragment.length <= LONGEST_LINK) history.replaceState(null, '', `#${fragment}`)
    })
  }, 400)

  function changed(change: Change): void {
    if (change === 'row') {
      model.curve = undefined
      model.compared = undefined
    }
    if (change !== 'view') {
      model.said = ''
      model.copied = ''
      for (const scene of scenes) askAbout(scene)
      rewrite()
      renewCurve()
      remember()
    }
    renewProfiles()
    draw()
  }

  /** Asks everything again that the server did not answer. */
  function again(): void {
    for (const scene of scenes) {
      askAbout(scene)
      const isInterrupted = scene.tale?.columns.some(
        ({ tokens, keep, isEnded }) => !isEnded && (tokens.length > 0 || keep !== undefined),
      )
      if (isInterrupted) writers[scene.name].write()
    }
    renewCurve()
  }

  const actions: Actions = {
    ...createSettings(model, changed),
    ...createTelling({ model, writers, languageModel, changed }),
    ...createIntake({
      model,
      writers,
      changed,
      useModel: (lm) => {
        opened = Promise.resolve(lm)
      },
    }),
    ...createSharing(model, changed),
  }

  addEventListener('hashchange', () => {
    void followLink(model, actions).then(() => changed('row'))
  })
  addEventListener('dragover', (event) => event.preventDefault())
  addEventListener('drop', (event) => {
    event.preventDefault()
    const files = event.dataTransfer?.files
    if (files?.length) void actions.giveFiles([...files])
  })
  document.documentElement.classList.remove('waiting')
  void followLink(model, actions).then(() => changed('row'))
}

start()
