using CometTemplate.Tests.Apps;
using CometTemplate.Tests.Package;

namespace CometTemplate.Tests;

[Trait("Category", "Matrix")]
public class TelemetryTests(TemplatePackage package)
{
    [Fact]
    public async Task Metrics_and_traces_arrive_at_the_collector_that_the_standard_variable_names()
    {
        var app = await package.GetAppAsync("1App", "--telemetry otlp --no-tests");
        await app.BuildAsync();
        await using var collector = await Collector.StartAsync();
        await using var running = await RunningApp.StartAsync(app,
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Url),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "500"),
            ("OTEL_BSP_SCHEDULE_DELAY", "500"));

        await running.ReadAsync("/vitals/stream", 2);

        await collector.WaitForAsync("metrics", "1App", "Comet.AspNetCore", "comet.message.published", "comet.message.delivered");
        await collector.WaitForAsync("traces", "1App", "Comet.AspNetCore", "vitals");
    }
}
