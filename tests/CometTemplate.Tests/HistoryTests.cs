using System.Net;
using Comet.TestUtilities.Brokers;
using CometTemplate.Tests.Apps;
using CometTemplate.Tests.Package;

namespace CometTemplate.Tests;

/// <summary>What each store promises, in an app as it was generated.</summary>
[Trait("Category", "Matrix")]
public class HistoryTests(TemplatePackage package)
{
    private const string Shared = "--store rabbitmq --telemetry otlp";

    [Theory]
    [InlineData("MyApp", "", false)]
    [InlineData("my-app", "--store sqlite", true)]
    public async Task A_restart_keeps_what_the_store_keeps(string name, string options, bool keeps)
    {
        await AssertKeepsAsync(await package.GetAppAsync(name, options), keeps);
    }

    [Fact]
    public async Task A_store_is_added_later_by_a_package_and_a_line()
    {
        await AssertKeepsAsync(await package.GetExtendedAppAsync(), keeps: true);
    }

    [Fact]
    public async Task Without_its_broker_an_app_runs_and_is_not_ready()
    {
        var app = await package.GetAppAsync("My.App", Shared);
        await app.BuildAsync();
        await using var running = await RunningApp.StartAsync(app, ("ConnectionStrings__RabbitMQ", "amqp://guest:guest@127.0.0.1:1"));

        Assert.Equal(HttpStatusCode.OK, (await running.Client.GetAsync("/health/live")).StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await running.Client.GetAsync("/health/ready")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await running.Client.GetAsync("/")).StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await running.Client.GetAsync("/announcements/stream")).StatusCode);
        await running.AssertStreamsAsync();
    }

    [Fact]
    public async Task Servers_share_what_a_broker_keeps()
    {
        Assert.SkipWhen(Environment.GetEnvironmentVariable("COMET_RABBITMQ") is { Length: > 0 },
            "The test starts a broker of its own, but COMET_RABBITMQ names one to be used instead.");
        var app = await package.GetAppAsync("My.App", Shared);
        await app.BuildAsync();
        await using var broker = await ScratchBroker.StartAsync();
        var connection = ("ConnectionStrings__RabbitMQ", broker.Node.ConnectionString);
        await using var one = await RunningApp.StartAsync(app, connection);
        await using var other = await RunningApp.StartAsync(app, connection);
        await one.AssertAnswersAsync();

        await one.AnnounceAsync("first");
        await other.AnnounceAsync("second");

        foreach (var server in new[] { one, other })
        {
            var all = await server.ReadAsync("/announcements/stream", 2, "earliest");
            Assert.Equal(["first", "second"], all.Select(message => message.Value.GetProperty("text").GetString()));
        }
    }

    private static async Task AssertKeepsAsync(GeneratedApp app, bool keeps)
    {
        await app.BuildAsync();
        string id;
        await using (var running = await RunningApp.StartAsync(app))
        {
            await running.AssertAnswersAsync();
            await running.AssertStreamsAsync();
            await running.AnnounceAsync("first");
            id = (await running.ReadAsync("/announcements/stream", 1, "earliest")).Single().Id!;
        }

        await using var restarted = await RunningApp.StartAsync(app);
        await restarted.AnnounceAsync("second");

        var all = await restarted.ReadAsync("/announcements/stream", keeps ? 2 : 1, "earliest");
        Assert.Equal(keeps ? ["first", "second"] : ["second"], all.Select(message => message.Value.GetProperty("text").GetString()));
        Assert.Equal(keeps, all[0].Id == id);
    }
}
