import fc from 'fast-check'
import { document, JSON_TYPE, OCTETS, type Request, samplingPath } from '../fuzz/requests.ts'
import { pinnedRequests } from '../golden/pinned.ts'
import { realisticRow, seeded } from '../sampling/rows.ts'

/** The requests for every machine: the pinned ones, then random ones. */

export interface Asked {
  name: string
  request: Request
}

const SEED = 1
const DOCUMENTS = 300
const TENSORS = 100

const pinned = (): Asked[] =>
  pinnedRequests().map(({ name, payload }) => ({
    name,
    request: {
      path: '/v1/sample',
      headers: JSON_TYPE,
      body: Buffer.from(JSON.stringify(payload)),
    },
  }))

/** Small rows with settings of all samplers. Some are refused, also with the same text everywhere. */
const documents = (): Asked[] =>
  fc
    .sample(fc.tuple(samplingPath, document), { seed: SEED, numRuns: DOCUMENTS })
    .map(([path, fields]) => {
      const body = JSON.stringify({ seed: SEED, ...fields })
      return {
        name: `${path} ${body}`,
        request: { path, headers: JSON_TYPE, body: Buffer.from(body) },
      }
    })

const queries = [
  'temperature=0.7',
  'temperature=1.3&top_p=0.97&n=4',
  'top_k=50&min_p=0.02',
  'typical_p=0.8&n=2&replacement=false',
  'top_n_sigma=1.1',
  'eta_cutoff=0.0001&return_probabilities=kept',
  'xtc_probability=0.9&xtc_threshold=0.001',
  'temperature=0.01&trace=true',
]

/** Rows that are large enough to be dense. */
function tensors(): Asked[] {
  const random = seeded(SEED)
  return Array.from({ length: TENSORS }, (_, i) => {
    const row = realisticRow(4096 + Math.floor(random() * 16_384), random)
    const path = `/v1/sample?${queries[i % queries.length]}&seed=${i}`
    return { name: path, request: { path, headers: OCTETS, body: Buffer.from(row.buffer) } }
  })
}

export const askedOfEach = (): Asked[] => [...pinned(), ...documents(), ...tensors()]
