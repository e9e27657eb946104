// Before the charts.
import './locale.ts'
import { drawCharts } from './charts.ts'
import { keepLive } from './live.ts'

drawCharts(document)
keepLive()
