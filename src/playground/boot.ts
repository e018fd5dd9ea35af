import { get } from './api.ts'
import type { Limits } from './intake/files.ts'
import type { Model } from './model.ts'
import file from './opening.json' with { type: 'json' }
import { type Opening, readOpening } from './opening.ts'
import { newScene, type Scene } from './scene.ts'
import { newColumn } from './tale.ts'
import type { Catalogue } from './types.ts'

const SEED = '2'
const THREE = [0.2, 0.8, 1.5]

function sceneOf(name: Scene['name'], opening: Opening, temperatures: readonly number[]): Scene {
  const { beginning, promptIds, vocabulary } = opening
  const columns = temperatures.map(newColumn)
  return newScene(name, vocabulary, { beginning, promptIds, columns, isWriting: false })
}

/** Asks the server what the page needs, and makes the state at the beginning. */
export async function boot(): Promise<Model> {
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
