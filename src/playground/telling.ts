import type { LanguageModel } from './language-model.ts'
import type { Change, Model } from './model.ts'
import { rawProbability } from './raw.ts'
import { lookAt, type Scene } from './scene.ts'
import { append, type Place, rewriteFrom } from './tale.ts'
import type { Row } from './types.ts'
import type { Writer } from './writing.ts'

interface Port {
  readonly model: Model
  readonly writers: Readonly<Record<Scene['name'], Writer>>
  languageModel(): Promise<LanguageModel>
  changed(change: Change): void
}

const scenesOf = ({ dial, three }: Model) => [dial, three]

/** A seed of 53 bits. JSON numbers of this size are exact everywhere. */
function newSeed(): string {
  const [high, low] = crypto.getRandomValues(new Uint32Array(2))
  return String((high! % 2 ** 21) * 2 ** 32 + low!)
}

/** Actions on the tales. */
export function createTelling({ model, writers, languageModel, changed }: Port) {
  /** Writes all columns again from their beginning. */
  function startOver(scene: Scene): void {
    for (const column of scene.tale?.columns ?? []) rewriteFrom(column, 0)
    writers[scene.name].write()
  }

  return {
    /** Shows the distribution of a word. Clicking it again hides it where it is not always shown. */
    select(scene: Scene, at: Place): void {
      const isSame = scene.at?.column === at.column && scene.at.position === at.position
      if (isSame && scene.name === 'three') {
        scene.at = undefined
        scene.row = undefined
      } else lookAt(scene, at)
      changed('row')
    },

    inspect(scene: Scene, id: number | undefined): void {
      scene.inspected = id === scene.inspected ? undefined : id
      changed('row')
    },

    /** Takes another token for the word that is shown, and lets the model go on from there. */
    take(scene: Scene, id: number): void {
      const { tale, at, row } = scene
      if (!tale || !at || !row) return
      const column = tale.columns[at.column]!
      rewriteFrom(column, at.position)
      append(column, { id, row, chance: rawProbability(row, id), state: undefined })
      scene.inspected = undefined
      writers[scene.name].write()
      changed('row')
    },

    /** Writes a column again at another temperature. */
    setColumn(scene: Scene, index: number, temperature: number): void {
      const column = scene.tale!.columns[index]!
      column.temperature = temperature
      rewriteFrom(column, 0)
      writers[scene.name].write()
      changed('view')
    },

    /** Writes all texts again with new random numbers. */
    writeAgain(): void {
      model.textSeed = newSeed()
      model.fields = { ...model.fields, seed: model.textSeed }
      for (const scene of scenesOf(model)) {
        for (const column of scene.tale?.columns ?? []) rewriteFrom(column, 0)
      }
      changed('fields')
    },

    stopWriting(scene: Scene): void {
      writers[scene.name].stop()
      changed('view')
    },

    goOn(scene: Scene): void {
      writers[scene.name].write()
      changed('view')
    },

    /** Gives all texts another beginning. */
    async begin(text: string): Promise<void> {
      const lm = await languageModel()
      const promptIds = await lm.encode(text)
      if (promptIds.length >= lm.context) {
        model.notice = `The beginning is too long: the model remembers ${lm.context} tokens`
        changed('view')
        return
      }
      const row: Row = { name: 'A row of the tale', logits: await lm.next('dial 0', promptIds) }
      for (const scene of scenesOf(model)) {
        if (!scene.tale) continue
        scene.tale.beginning = text
        scene.tale.promptIds = promptIds
        scene.inspected = undefined
        const isShown = scene.name === 'dial'
        scene.at = isShown ? { column: 0, position: 0 } : undefined
        scene.row = isShown ? row : undefined
        scene.context = { prompt_token_ids: promptIds }
        startOver(scene)
      }
      changed('row')
    },
  }
}
