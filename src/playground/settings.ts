import { readText, Unreadable, usualFields, withField } from './controls.ts'
import { type Change, type Model, samplerOf, schemaOf } from './model.ts'
import { moved, orderOf, withOrder } from './profiles.ts'
import type { Fields } from './types.ts'

/** Actions that change the settings of the request. */
export function createSettings(model: Model, changed: (change: Change) => void) {
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

  return {
    setField,

    /** Takes the text of a field's control. */
    writeField(name: string, text: string): void {
      try {
        setField(name, readText(schemaOf(catalogue, name), text, model.dial.vocabulary))
      } catch (error) {
        if (!(error instanceof Unreadable)) throw error
        model.unreadable.set(name, error.message)
        changed('view')
      }
    },

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
      // A sampler without a usual value has nothing to switch on, but its fields are shown so that the user can set them.
      if (isSet) model.open.delete(name)
      else model.open.add(name)
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

    reorder(isOn: boolean): void {
      model.isReordering = isOn
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

    /** Switches all samplers off. Temperature and seed stay. */
    reset(): void {
      const kept = ['temperature', 'seed'].filter((name) => model.fields[name] !== undefined)
      model.fields = Object.fromEntries(kept.map((name) => [name, model.fields[name]]))
      model.unreadable.clear()
      changed('fields')
    },

    /** Draws with new random numbers. The server draws a seed, and the answer has it. */
    draw(n: number): void {
      const { seed: _, ...others } = model.fields
      model.fields = withField(others, 'n', catalogue.fields.draw.n!, n)
      changed('fields')
    },

    chooseLanguage(name: string): void {
      model.language = name
      changed('view')
    },

    showSteps(isOn: boolean): void {
      model.isShowingSteps = isOn
      changed('view')
    },

    showMore(isOn: boolean): void {
      model.isShowingMore = isOn
      changed('view')
    },

    showAll(isOn: boolean): void {
      model.isShowingAll = isOn
      changed('view')
    },

    compare(isOn: boolean): void {
      model.isComparing = isOn
      changed('view')
    },

    complain(text: string): void {
      model.notice = text
      changed('view')
    },
  }
}
