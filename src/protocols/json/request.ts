import * as z from 'zod'
import {
  addressFields,
  contextFields,
  drawFields,
  samplingFields,
  scoreFields,
  withoutDefault,
} from '../../sampling/params.ts'
import { Logits } from './logits.ts'

/** Up to this vocabulary size an answer carries every probability unless told otherwise. */
export const SMALL_VOCABULARY = 1024

const Returned = z.enum(['auto', 'none', 'kept', 'all'])

function answerFields(whenAbsent: z.output<typeof Returned>) {
  return {
    return_probabilities: Returned.meta({
      description:
        'Which probabilities to answer with: none; those of the tokens left, with their ids (`kept`); ' +
        `or one for each vocabulary entry (\`all\`). \`auto\` is \`all\` up to ${SMALL_VOCABULARY} entries, else \`none\`.`,
    }).default(whenAbsent),
    encoding: z
      .enum(['json', 'base64'])
      .meta({
        description:
          'How `all` probabilities are written: a JSON array, or a float32 tensor in base64.',
      })
      .default('json'),
  }
}

/** The fields a row of a batch may set for itself: any but the logits, and no defaults. */
function overrides<Fields extends z.ZodRawShape>(fields: Fields) {
  const optional = Object.entries(fields).map(([name, field]) => [
    name,
    z.optional(withoutDefault(field)),
  ])
  return z.strictObject(Object.fromEntries(optional) as z.ZodRawShape)
}

function requestSchema<Fields extends z.ZodRawShape>(fields: Fields, id: string) {
  const Row = overrides(fields).meta({
    id: `${id}Row`,
    description: 'What one row of the batch overrides.',
  })
  const Request = z
    .strictObject({
      logits: Logits,
      ...fields,
      // Parsed when the number of rows is known.
      rows: z
        .unknown()
        .meta({
          description:
            'One object for each row, whose fields override those of the request for that row.',
          type: 'array',
          items: { $ref: `#/components/schemas/${id}Row` },
        })
        .optional(),
    })
    .meta({ id, description: 'Logits, and what to do with them.' })
  return { Row, Request }
}

export const { Request: SampleRequest, Row: SampleRow } = requestSchema(
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
export const { Request: ProbabilitiesRequest, Row: ProbabilitiesRow } = requestSchema(
  {
    ...samplingFields,
    ...contextFields,
    ...addressFields,
    ...scoreFields,
    ...answerFields('all'),
  },
  'ProbabilitiesRequest',
)

export type SampleRequest = z.output<typeof SampleRequest>
export type ProbabilitiesRequest = z.output<typeof ProbabilitiesRequest>
