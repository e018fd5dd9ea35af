// Swagger UI's own bar leads nowhere, and is there only when its script has made it.
new MutationObserver((_changes, observer) => {
  const link = document.querySelector('.topbar a.link')
  if (!link) return
  link.href = '/'
  link.setAttribute('aria-label', 'Kelvin, the playground')
  observer.disconnect()
}).observe(document.body, { childList: true, subtree: true })

/**
 * Where a request has a body, that is what people come for: the parameters beside it, all of them
 * optional, are folded away until somebody wants them or the body has no place for them.
 */
globalThis.foldParameters = ({ React: { createElement, useState } }) => {
  function Fold({ isOpen, title, content }) {
    const [open, setOpen] = useState(isOpen)
    const onToggle = (event) => setOpen(event.currentTarget.open)
    return createElement(
      'details',
      { className: 'beside-body', open, onToggle },
      createElement('summary', null, title),
      // Sixty of them take a second to draw.
      open && content(),
    )
  }

  const wrap = (Parameters) =>
    function Form(props) {
      const { operation, parameters, oas3Selectors, pathMethod } = props
      if (!operation.has('requestBody')) return createElement(Parameters, props)
      const isJson = /json/.test(oas3Selectors.requestContentType(...pathMethod) ?? 'json')
      const beside = { ...props, operation: operation.delete('requestBody') }
      return createElement(
        'div',
        { className: 'form' },
        createElement(Parameters, { ...props, parameters: parameters.clear() }),
        createElement(Fold, {
          key: isJson,
          isOpen: !isJson,
          title: `${parameters.size} optional parameters in query and headers`,
          content: () => createElement(Parameters, beside),
        }),
      )
    }

  return { wrapComponents: { parameters: wrap } }
}
