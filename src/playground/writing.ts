import { askNext } from './asks.ts'
import type { LanguageModel } from './language-model.ts'
import type { Model } from './model.ts'
import { rawProbability } from './raw.ts'
import type { Scene } from './scene.ts'
import { append, type Column, keptTokens } from './tale.ts'
import type { Row } from './types.ts'

/** Writes the columns of a tale, token by token: the model computes logits, and Kelvin draws. */

/** The longest column, in tokens. */
const LONGEST = { dial: 72, three: 56 }
/** The shortest time between two tokens, in milliseconds, so that one can watch the text grow. */
const PACE = 45

export interface Writer {
  /** Goes on with all columns that are not ended. */
  write(): void
  stop(): void
}

interface Port {
  readonly model: Model
  /** Opens the language model when it is first needed. */
  languageModel(): Promise<LanguageModel>
  /** Called after each token. */
  written(): void
  /** Called when all columns are ended, or writing has failed. */
  ended(): void
  failed(error: unknown): void
}

const pause = (milliseconds: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, milliseconds))

export function createWriter(
  scene: Scene,
  { model, languageModel, written, ended, failed }: Port,
): Writer {
  let current = new AbortController()

  /** Whether a column is full: it has as many tokens as fit here, or as the model can remember. */
  function isFull(column: Column, { context }: LanguageModel): boolean {
    const { promptIds } = scene.tale!
    const { length } = keptTokens(column)
    return length >= LONGEST[scene.name] || promptIds.length + length >= context
  }

  async function writeNext(lm: LanguageModel, columns: readonly Column[], signal: AbortSignal) {
    const tale = scene.tale!
    const rows = await Promise.all(
      columns.map(async (column): Promise<Row> => {
        const ids = [...tale.promptIds, ...keptTokens(column).map(({ id }) => id)]
        const name = `${scene.name} ${tale.columns.indexOf(column)}`
        return { name: 'A row of the tale', logits: await lm.next(name, ids) }
      }),
    )
    signal.throwIfAborted()
    const results = await askNext(model, tale, columns, rows, signal)
    signal.throwIfAborted()
    columns.forEach((column, i) => {
      const { token_ids, state } = results[i]!
      const id = token_ids[0]!
      const row = rows[i]!
      append(column, { id, row, chance: rawProbability(row, id), state })
      column.isEnded = lm.endIds.includes(id) || isFull(column, lm)
    })
  }

  async function run(signal: AbortSignal): Promise<void> {
    const lm = await languageModel()
    for (;;) {
      signal.throwIfAborted()
      const open = scene.tale!.columns.filter(({ isEnded }) => !isEnded)
      if (open.length === 0) return
      const pace = pause(PACE)
      await writeNext(lm, open, signal)
      written()
      await pace
    }
  }

  function stop(): void {
    current.abort()
    if (scene.tale) scene.tale.isWriting = false
  }

  return {
    stop,
    write() {
      stop()
      const tale = scene.tale
      if (!tale) return
      current = new AbortController()
      const { signal } = current
      tale.isWriting = true
      void run(signal)
        .catch((error) => {
          if (!signal.aborted) failed(error)
        })
        .finally(() => {
          if (signal.aborted) return
          tale.isWriting = false
          ended()
        })
    },
  }
}
