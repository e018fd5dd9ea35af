import { readText, Unreadable, usualFields, withField } from './controls.ts'
import { type Given, readFile, readPasted, Unusable } from './files.ts'
import { answerOf, type Change, type Model, type Preset, samplerOf, schemaOf } from './model.ts'
import { moved, orderOf, withOrder } from './profiles.ts'
import type { createSharing } from './sharing.ts'
import type { Fields, Row, Vocabulary } from './types.ts'

/** The actions of a user on the page. */
export type Actions = ReturnType<typeof createActions> &
  ReturnType<typeof createSharing> & { compare(isOpen: boolean): void }

const NO_WORDS: Vocabulary = { name: '', words: [] }

export function createActions(model: Model, changed: (change: Change) => void) {
  const { catalogue } = model

  function setField(name: string, value: unknown): void {
    model.unreadable.delete(name)
    model.fields = withField(model.fields, name, schemaOf(catalogue, name), value)
    changed('fields')
  }

  /** Removes the fields with these names, and sets the given values. */
  function replaceFields(names: readonly string[], values: Fields): void {
    for (const name of names) {
      model.unreadable.delete(name)
      model.fields = withField(model.fields, name, schemaOf(catalogue, name), values[name])
    }
  }

  function setRow(row: Row, context: Fields): void {
    model.row = row
    model.inspected = undefined
    replaceFields([...Object.keys(catalogue.fields.context), 'step'], context)
    changed('row')
  }

  async function tell(work: () => Promise<void> | void): Promise<void> {
    model.notice = ''
    try {
      await work()
    } catch (error) {
      if (!(error instanceof Unusable)) throw error
      model.notice = error.message
    }
    changed('view')
  }

  async function openRow(rows: Given, index: number): Promise<void> {
    const logits = await rows.row(index)
    // A vocabulary of another size belongs to another model.
    if (model.vocabulary.words.length !== rows.vocabSize) model.vocabulary = NO_WORDS
    model.given = { rows, index }
    const name = rows.rows > 1 ? `${rows.name}, row ${index}` : rows.name
    setRow({ name, logits }, {})
  }

  return {
    setField,

    /** Takes the text of a field's control. */
    writeField(name: string, text: string): void {
      try {
        setField(name, readText(schemaOf(catalogue, name), text, model.vocabulary))
      } catch (error) {
        if (!(error instanceof Unreadable)) throw error
        model.unreadable.set(name, error.message)
        changed('view')
      }
    },

    choosePreset({ row, vocabulary, context }: Preset): void {
      model.given = undefined
      model.notice = ''
      model.vocabulary = vocabulary
      setRow(row, context)
    },

    paste: (text: string) => tell(() => openRow(readPasted(text), 0)),

    chooseRow: (index: number) => tell(() => openRow(model.given!.rows, index)),

    giveFiles: (files: Iterable<File>) =>
      tell(async () => {
        for (const file of files) {
          const read = await readFile(file, model.limits)
          if ('words' in read) {
            model.vocabulary = read
            const { length } = read.words
            const expected = model.row.logits.length
            if (length !== expected) {
              model.notice = `${read.name} has ${length} words, and the row has ${expected} logits: is it of the same model?`
            }
          } else {
            await openRow(read, 0)
          }
        }
      }),

    /** Sets the profile, and drops the user's order, which was made from the old profile. */
    chooseProfile(name: string): void {
      const { order: _, ...others } = model.fields
      model.fields = others
      setField('profile', name)
    },

    toggleSampler(name: string): void {
      const sampler = samplerOf(catalogue, name)
      const names = Object.keys(sampler.fields)
      const set = Object.fromEntries(names.map((field) => [field, model.fields[field]]))
      const isSet = names.some((field) => model.fields[field] !== undefined)
      if (isSet) model.remembered.set(name, set)
      const values = isSet ? {} : (model.remembered.get(name) ?? usualFields(sampler))
      // A sampler without a usual value is opened, so that the user can set its fields.
      if (!isSet && Object.keys(values).length === 0) model.open.add(name)
      replaceFields(names, values)
      changed('fields')
    },

    toggleOpen(name: string): void {
      if (!model.open.delete(name)) model.open.add(name)
      changed('view')
    },

    filter(text: string): void {
      model.filter = text
      changed('view')
    },

    drag(name: string, before: string | undefined): void {
      model.dragged = { name, before }
      changed('view')
    },

    drop(): void {
      const { dragged } = model
      model.dragged = undefined
      if (dragged) {
        const order = moved(orderOf(catalogue, model.fields), dragged.name, dragged.before)
        model.fields = withOrder(catalogue, model.fields, order)
      }
      changed('fields')
    },

    cancelDrag(): void {
      model.dragged = undefined
      changed('view')
    },

    /** Moves a sampler one place up or down in the order. */
    move(name: string, by: -1 | 1): void {
      const order = orderOf(catalogue, model.fields)
      const at = order.indexOf(name)
      if (order[at + by] === undefined) return
      const before = order[by < 0 ? at - 1 : at + 2]
      model.fields = withOrder(catalogue, model.fields, moved(order, name, before))
      changed('fields')
    },

    /** Sets every field to its default, except the seed and the history. */
    reset(): void {
      const kept = [...Object.keys(catalogue.fields.context), 'seed'].filter(
        (name) => name !== 'state',
      )
      model.fields = Object.fromEntries(
        Object.entries(model.fields).filter(([name]) => kept.includes(name)),
      )
      model.unreadable.clear()
      changed('fields')
    },

    inspect(id: number | undefined): void {
      model.inspected = id
      changed('fields')
    },

    /** Draws with new random numbers. The server draws a seed, and the answer has it. */
    draw(n: number): void {
      const { seed: _, ...others } = model.fields
      model.fields = withField(others, 'n', catalogue.fields.draw.n!, n)
      changed('fields')
    },

    /** Draws the next token of the text: with the same seed, the next step, and the state of this answer. */
    nextStep(): void {
      const result = answerOf(model)?.result
      if (!result) return
      const output = (model.fields.output_token_ids ?? []) as number[]
      replaceFields(['step', 'state', 'output_token_ids'], {
        step: result.step + 1,
        state: result.state,
        output_token_ids: [...output, result.token_ids[0]!],
      })
      changed('fields')
    },

    startOver(): void {
      const preset = model.presets.find(({ id }) => id === model.row.preset)
      const taken = Number(model.fields.step ?? 0)
      const output = (model.fields.output_token_ids ?? []) as number[]
      replaceFields(['step', 'state', 'output_token_ids'], {
        output_token_ids: preset
          ? preset.context.output_token_ids
          : output.slice(0, Math.max(0, output.length - taken)),
      })
      changed('fields')
    },

    chooseLanguage(name: string): void {
      model.language = name
      changed('view')
    },

    complain(text: string): void {
      model.notice = text
      changed('view')
    },
  }
}
