import * as z from 'zod'
import type { Batch } from '../fields/batch.ts'
import { forms } from '../fields/form.ts'
import { Logits } from '../fields/logits.ts'
import { toPart, withoutDefault } from '../fields/parsed.ts'
import type { SharedTensor } from '../fields/tensor.ts'
import {
  addressFields,
  contextFields,
  drawFields,
  samplingFields,
  scoreFields,
} from '../sampling/params.ts'

/** Up to this vocabulary size an answer has every probability by default. */
const SMALL_VOCABULARY = 1024

const Returned = z.enum(['auto', 'none', 'kept', 'all'])

function answerFields(whenAbsent: z.output<typeof Returned>) {
  return {
    return_probabilities: Returned.meta({
      title: 'ReturnedProbabilities',
      description:
        'Which probabilities the answer has. `all`: those of the whole vocabulary. `kept`: those of the tokens that the samplers ' +
        `leave, with their ids. \`none\`: none. \`auto\`: \`all\` for a vocabulary of at most ${SMALL_VOCABULARY} entries, otherwise \`none\`.`,
    }).default(whenAbsent),
    encoding: z
      .enum(['json', 'base64'])
      .meta({
        title: 'ProbabilitiesEncoding',
        description: 'Form of `all` probabilities: a JSON array, or a float32 tensor in base64.',
      })
      .default('json'),
  }
}

/** The fields that choose the form of a JSON answer. */
export const answerNames = Object.keys(answerFields('auto'))

/** The schema of one of `rows`: every field except the logits, all optional and without defaults. */
function overrides<Fields extends z.ZodRawShape>(fields: Fields) {
  const optional = Object.entries(fields).map(([name, field]) => [
    name,
    z.optional(withoutDefault(field)),
  ])
  const Row: z.ZodType = z.strictObject(Object.fromEntries(optional))
  return Row as z.ZodType<Partial<z.output<z.ZodObject<Fields>>>>
}

function operation<Shape extends z.ZodRawShape>(shape: Shape, title: string) {
  const Row = overrides(shape).meta({
    title: `${title}Row`,
    description: 'Fields that override those of the request for one row.',
  })
  const Request = z
    .strictObject({
      logits: Logits,
      ...shape,
      // Parsed when the number of rows is known.
      rows: z
        .unknown()
        .meta({
          description:
            'An object for each row, whose fields override those of the request for that row.',
          type: 'array',
          minItems: 1,
          items: toPart(Row),
        })
        .register(forms, { kind: 'json', isList: false, isLong: true })
        .optional(),
    })
    .meta({
      title,
      description:
        'Logits and sampling parameters. An optional field that is null counts as omitted.',
    })
  return { Fields: z.strictObject(shape), Request, Row }
}

const sharedFields = {
  ...samplingFields,
  ...contextFields,
  ...addressFields,
  ...scoreFields,
  ...answerFields('all'),
}

/** A request for either operation. */
export type SamplingRequest = SamplingFields & { logits: Batch; rows?: unknown }

/** The same as it is sent: its logits may lie in shared memory. */
export type SentRequest = SamplingFields & { logits: Batch | SharedTensor; rows?: unknown }

/** The fields of a request beside its logits and rows. Those of a draw are undefined if the operation does not draw. */
export type SamplingFields = z.output<z.ZodObject<typeof sharedFields>> &
  Partial<z.output<z.ZodObject<typeof drawFields>>>

/** The schemas of an operation: its fields without logits, its request, and one of its `rows`. */
export interface Operation {
  readonly Fields: z.ZodObject<typeof sharedFields>
  readonly Request: z.ZodType<SentRequest>
  readonly Row: z.ZodType<Partial<SamplingFields>>
}

export const sampleOperation: Operation = operation(
  {
    ...samplingFields,
    ...contextFields,
    ...drawFields,
    ...addressFields,
    ...scoreFields,
    ...answerFields('auto'),
  },
  'SampleRequest',
)
export const probabilitiesOperation: Operation = operation(sharedFields, 'ProbabilitiesRequest')

/** The form of a row's answer. */
export type AnswerForm = Pick<SamplingRequest, 'return_probabilities' | 'encoding'>

/** The probabilities that the answer of a row has, with `auto` resolved. */
export function returnedOf({ return_probabilities }: AnswerForm, vocabSize: number) {
  const small = vocabSize <= SMALL_VOCABULARY ? 'all' : 'none'
  return return_probabilities === 'auto' ? small : return_probabilities
}

/** An upper bound of the numbers that the probabilities of a row take in an answer, ids included. */
export function countProbabilities(answer: AnswerForm, vocabSize: number): number {
  return { none: 0, all: vocabSize, kept: 2 * vocabSize }[returnedOf(answer, vocabSize)]
}
