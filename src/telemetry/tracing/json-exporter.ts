// Of its own, since it is loaded only where JSON is asked for.
export { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
