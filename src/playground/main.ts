import type { Actions } from './actions.ts'
import { createAnswers } from './answers.ts'
import { Refusal, Unreachable } from './api.ts'
import { debounced } from './asking.ts'
import { boot } from './boot.ts'
import { createComparisons } from './comparisons.ts'
import { found, lost } from './connection.ts'
import { followLink } from './following.ts'
import { BadModel, type LanguageModel, openOwnModel } from './language-model.ts'
import { toFragment } from './link.ts'
import { type Change, type Model, temperatureOf } from './model.ts'
import { type Scene, takenAt } from './scene.ts'
import { createSettings } from './settings.ts'
import { createSharing, LONGEST_LINK, toLinked } from './sharing.ts'
import { createIntake } from './taking.ts'
import { rewriteFrom } from './tale.ts'
import { createTelling } from './telling.ts'
import { render } from './views/page.ts'
import { createWriter } from './writing.ts'

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

  function failed(scene: Scene, error: unknown): void {
    if (error instanceof Unreachable) lost(error.message, again)
    else if (error instanceof Refusal) scene.problem = error.problem
    else if (error instanceof BadModel) model.notice = error.message
    else throw error
    announce()
    draw()
  }

  const { askAbout, announce } = createAnswers({ model, draw, failed })

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
        const taken = takenAt(scene, scene.at)
        const { watched = [] } = scene.answer?.result ?? {}
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

  const { renewCurve, renewProfiles } = createComparisons(model, draw)

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
