// Of its own, since it is not loaded where JSON is asked for.
export { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
