import type { FastifyInstance } from 'fastify'
import * as z from 'zod'
import type { Config } from '../config.ts'
import { jsonAnswer, problemResponses } from '../plugins/openapi.ts'
import { catalogue } from '../request/catalogue.ts'
import { DETERMINISM_VERSION } from '../sampling/sample.ts'
import { dtypes } from '../tensors/dtypes.ts'

const Reference = z
  .strictObject({ title: z.string(), url: z.string() })
  .meta({ title: 'Reference', description: 'Paper or page that describes it.' })
const Rule = z.union([z.string(), z.number(), z.boolean()]).meta({ title: 'Rule' })
const Rules = z.record(z.string(), Rule)

const JsonSchemas = z.record(z.string(), z.unknown())

const Catalogue = z
  .strictObject({
    samplers: z
      .array(
        z
          .strictObject({
            name: z.string().meta({ description: 'Its name in `order`.' }),
            title: z.string(),
            meaning: z.string(),
            reference: Reference,
            stage: z
              .string()
              .meta({ description: 'The stage of the pipeline to which it belongs.' }),
            is_common: z.boolean().meta({
              description: 'Whether most people who set any sampler set this one.',
            }),
            fields: JsonSchemas.meta({
              description:
                'Request fields as JSON Schema. The default of each switches the sampler off.',
            }),
            state: JsonSchemas.optional().meta({
              description:
                'State of the sampler, as JSON Schema. An answer has it in `state`, and the request for the next token sends it back.',
            }),
            rules: Rules.meta({
              description: 'Its choices where engines disagree. A profile may make other choices.',
            }),
            example: z
              .strictObject({
                params: z.record(z.string(), z.unknown()),
                history: z
                  .record(z.string(), z.array(z.number()))
                  .optional()
                  .meta({ description: 'The prompt, output and stop tokens of the example.' }),
                given: z.array(z.number()),
                gives: z.array(z.number()),
              })
              .meta({
                title: 'SamplerExample',
                description: 'Probabilities before (`given`) and after (`gives`) the sampler.',
              }),
          })
          .meta({ title: 'Sampler', description: 'A sampler.' }),
      )
      .meta({ description: 'All samplers, in Kelvin’s own order.' }),
    profiles: z.array(
      z
        .strictObject({
          name: z.string(),
          title: z.string(),
          meaning: z.string(),
          reference: Reference,
          order: z.array(z.string()).meta({
            description:
              'Samplers in the order they run. A sampler that is not listed does not run.',
          }),
          takeovers: z.record(z.string(), z.array(z.string())).meta({
            description:
              'By sampler: the order that replaces the order of the profile while this sampler is on.',
          }),
          takeover_rules: z
            .record(z.string(), Rules)
            .meta({ description: 'By sampler: further rules while a takeover is on.' }),
          rules: z
            .record(z.string(), Rules)
            .meta({ description: 'By sampler: rules that differ from the sampler’s own.' }),
        })
        .meta({
          title: 'Profile',
          description:
            'An engine to follow: its order of samplers, and its rules where engines disagree.',
        }),
    ),
    fields: z.record(z.string(), JsonSchemas).meta({
      description:
        'Request fields that belong to no sampler, as JSON Schema, in groups: `common` (shared by samplers), `context` (the tokens so far), `draw`, `address` (of the random numbers) and `score` (reports).',
    }),
  })
  .meta({ title: 'Catalogue', description: 'Samplers and profiles.' })

const Info = z
  .strictObject({
    name: z.string().meta({ description: '`kelvin`.' }),
    version: z.string(),
    determinism_version: z.int().meta({
      description: 'A number that changes when the same request may get other bytes.',
    }),
    dtypes: z.array(z.enum(dtypes).meta({ title: 'Dtype' })),
    limits: z
      .strictObject({ max_body_bytes: z.int(), max_vocab_size: z.int(), max_rows: z.int() })
      .meta({
        title: 'Limits',
        description: 'Limits of this server. A request beyond them is refused.',
      }),
  })
  .meta({ title: 'Info', description: 'Version and limits of a server.' })

/** GET /v1/samplers and GET /v1/info: what this server can do. */
export function aboutRoutes(app: FastifyInstance, config: Config, version: string): void {
  const samplers = catalogue()
  app.get(
    '/v1/samplers',
    {
      schema: {
        operationId: 'samplers',
        summary: 'List samplers and profiles',
        description:
          'Each sampler with its fields, meaning, paper and an example; each profile with its order; and the fields that belong to no sampler.',
        tags: ['about'],
        response: {
          200: jsonAnswer(Catalogue, 'The samplers and profiles of this server'),
          ...problemResponses(400, 401, 503),
        },
      },
    },
    () => samplers,
  )

  const info: z.output<typeof Info> = {
    name: 'kelvin',
    version,
    determinism_version: DETERMINISM_VERSION,
    dtypes,
    limits: {
      max_body_bytes: config.MAX_BODY_BYTES,
      max_vocab_size: config.MAX_VOCAB_SIZE,
      max_rows: config.MAX_ROWS,
    },
  }
  app.get(
    '/v1/info',
    {
      schema: {
        operationId: 'info',
        summary: 'Get version and limits',
        description: 'Version, determinism version, tensor types and limits of this server.',
        tags: ['about'],
        response: {
          200: jsonAnswer(Info, 'Version and limits of this server'),
          ...problemResponses(400, 401, 503),
        },
      },
    },
    () => info,
  )
}
