/**
 * On a machine without a locale browsers name one that is no language tag (`en-US@posix`), at which the library of the charts
 * throws while it is loaded. To be imported before it.
 */
try {
  new Intl.NumberFormat(navigator.language)
} catch {
  Object.defineProperty(navigator, 'language', { value: 'en' })
}
