using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace CometApp.Telemetry;

/// <summary>
/// Sends metrics and traces to an OpenTelemetry collector. The standard variables say where: <c>OTEL_EXPORTER_OTLP_ENDPOINT</c>,
/// http://localhost:4317 if nothing does, and <c>OTEL_EXPORTER_OTLP_PROTOCOL</c>; appsettings.json may hold them too.
/// </summary>
public sealed class OtlpExport(IConfiguration configuration, IHostEnvironment environment) : IHostedService, IDisposable
{
    private const int FlushMilliseconds = 1000;

    private MeterProvider? _metrics;
    private TracerProvider? _traces;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _metrics = Sdk.CreateMeterProviderBuilder()
            .ConfigureServices(services => services.AddSingleton(configuration))
            .ConfigureResource(Name)
            .AddMeter("Comet.AspNetCore", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Runtime")
            .AddOtlpExporter()
            .Build();
        _traces = Sdk.CreateTracerProviderBuilder()
            .ConfigureServices(services => services.AddSingleton(configuration))
            .ConfigureResource(Name)
            .AddSource("Comet.AspNetCore", "Microsoft.AspNetCore")
            .AddOtlpExporter()
            .Build();
        return Task.CompletedTask;
    }

    // The last measurements leave; a collector that does not answer must not hold the process.
    public Task StopAsync(CancellationToken cancellationToken) => Task.WhenAll(
        Task.Run(() => _metrics?.Shutdown(FlushMilliseconds), CancellationToken.None),
        Task.Run(() => _traces?.Shutdown(FlushMilliseconds), CancellationToken.None));

    public void Dispose()
    {
        _metrics?.Dispose();
        _traces?.Dispose();
    }

    private void Name(ResourceBuilder resource) => resource.AddService(environment.ApplicationName).AddEnvironmentVariableDetector();
}
