import { expect, it } from 'vitest'
import { indexSource } from './index-source.ts'

/** With -u this writes the indexes. Without it, it fails if a file was added or renamed. */
it.each(['samplers', 'profiles'])('src/sampling/%s/index.ts is up to date', async (kind) => {
  const folder = new URL(`../../src/sampling/${kind}/`, import.meta.url)
  const file = new URL('index.ts', folder).pathname
  await expect(indexSource(folder, kind)).toMatchFileSnapshot(file)
})
