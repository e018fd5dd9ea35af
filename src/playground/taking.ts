import { withField } from './controls.ts'
import { readFile, readPasted, type Taken } from './intake/files.ts'
import type { Given } from './intake/rows.ts'
import { Unusable } from './intake/unusable.ts'
import { BadModel, type LanguageModel, type ModelFiles, openModel } from './language-model.ts'
import { type Change, type Model, schemaOf } from './model.ts'
import { newScene, type Scene } from './scene.ts'
import { newColumn, type Tale } from './tale.ts'
import type { Fields, Row, Vocabulary } from './types.ts'
import type { Writer } from './writing.ts'

interface Port {
  readonly model: Model
  readonly writers: Readonly<Record<Scene['name'], Writer>>
  changed(change: Change): void
  /** Replaces the language model that writes. */
  useModel(lm: LanguageModel): void
}

const NO_WORDS: Vocabulary = { name: '', words: [] }

/** Actions that show what the user brings: logits, words, a request, or a language model. */
export function createIntake({ model, writers, changed, useModel }: Port) {
  const { dial, three, catalogue } = model
  let tale: Tale = dial.tale!
  let { vocabulary, row: firstRow } = dial
  /** Files of a model whose other file has not come yet. */
  let files: Partial<ModelFiles> = {}

  async function tell(work: () => Promise<void> | void): Promise<void> {
    model.notice = ''
    try {
      await work()
    } catch (error) {
      if (!(error instanceof Unusable || error instanceof BadModel)) throw error
      model.notice = error.message
    }
    changed('view')
  }

  function showRow(row: Row, words: Vocabulary): void {
    writers.dial.stop()
    dial.tale = undefined
    dial.at = undefined
    dial.given = undefined
    dial.vocabulary = words
    dial.row = row
    dial.context = {}
    dial.inspected = undefined
    changed('row')
  }

  /** Takes the fields of a request: the history belongs to the row, and the others are settings. */
  function takeFields(fields: Fields): void {
    const names = [...Object.keys(catalogue.fields.context), 'step']
    const entries = Object.entries(fields)
    const isContext = ([name]: [string, unknown]) => names.includes(name)
    dial.context = Object.fromEntries(entries.filter(isContext))
    if (entries.length > 0) {
      model.fields = {}
      for (const [name, value] of entries.filter((entry) => !isContext(entry))) {
        model.fields = withField(model.fields, name, schemaOf(catalogue, name), value)
      }
    }
  }

  async function openRow(rows: Given, index: number, words?: Vocabulary): Promise<void> {
    const logits = await rows.row(index)
    // A vocabulary of another size belongs to another model.
    const fitting = dial.vocabulary.words.length === rows.vocabSize ? dial.vocabulary : NO_WORDS
    const name = rows.rows > 1 ? `${rows.name}, row ${index}` : rows.name
    showRow({ name, logits }, words ?? fitting)
    dial.given = { rows, index }
    takeFields(rows.fieldsOf(index))
    changed('row')
  }

  function openWords(words: Vocabulary): void {
    dial.vocabulary = words
    changed('row')
    const { length } = words.words
    const expected = dial.row!.logits.length
    if (length !== expected) {
      throw new Unusable(
        `There are ${length} words for ${expected} logits; are they of the same model?`,
      )
    }
  }

  /** Shows the tale, from its beginning. */
  function showTale(): void {
    Object.assign(dial, newScene('dial', vocabulary, tale))
    dial.at = { column: 0, position: 0 }
    dial.row = tale.columns[0]!.tokens[0]?.row ?? firstRow
    dial.context = { prompt_token_ids: tale.promptIds }
    model.notice = ''
    writers.dial.write()
    changed('row')
  }

  async function useFiles({ checkpoint, tokenizer }: ModelFiles): Promise<void> {
    const lm = await openModel({ checkpoint, tokenizer })
    useModel(lm)
    const { beginning } = tale
    const promptIds = await lm.encode(beginning)
    vocabulary = { name: 'your model', words: lm.words }
    const logits = await lm.next('dial 0', promptIds)
    const temperatures = (scene: Scene, old: Tale) => {
      writers[scene.name].stop()
      return { ...old, promptIds, columns: old.columns.map((one) => newColumn(one.temperature)) }
    }
    tale = temperatures(dial, tale)
    three.tale = temperatures(three, three.tale!)
    three.vocabulary = vocabulary
    three.at = undefined
    three.row = undefined
    firstRow = { name: 'A row of the tale', logits }
    showTale()
    writers.three.write()
  }

  async function take(taken: Taken): Promise<void> {
    if ('rows' in taken) return openRow(taken.rows, 0, taken.words)
    if ('words' in taken) return openWords(taken.words)
    files = { ...files, ...taken }
    const { checkpoint, tokenizer } = files
    if (!checkpoint) throw new Unusable('This is a tokenizer of llama2.c; open its checkpoint, too')
    if (!tokenizer) throw new Unusable('This is a checkpoint of llama2.c; open its tokenizer, too')
    files = {}
    await useFiles({ checkpoint, tokenizer })
  }

  return {
    showRow,

    paste: (text: string) => tell(() => take(readPasted(text))),

    chooseRow: (index: number) => tell(() => openRow(dial.given!.rows, index, dial.vocabulary)),

    giveFiles: (given: readonly File[]) =>
      tell(async () => {
        const all = await Promise.all(given.map((file) => readFile(file, model.limits)))
        // Logits come before their words, and the two files of a model come together.
        const rank = (taken: Taken) => ('rows' in taken ? 0 : 'words' in taken ? 1 : 2)
        const models = all.filter((taken) => rank(taken) === 2)
        for (const taken of all.filter((one) => rank(one) < 2).sort((a, b) => rank(a) - rank(b))) {
          await take(taken)
        }
        if (models.length > 0) await take(Object.assign({}, ...models))
      }),

    backToTale: showTale,
  }
}
