using Comet.AspNetCore.RabbitMQ.Stores;
using Comet.AspNetCore.RabbitMQ.Tests.Hosting;
using Comet.AspNetCore.Stores;
using Comet.TestUtilities.Brokers;
using Comet.TestUtilities.Conformance;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Comet.AspNetCore.RabbitMQ.Tests;

/// <summary>Readiness while the broker can be reached but does not work.</summary>
public sealed class ReadinessTests(Broker broker)
{
    private readonly string _feed = Server.NewName();

    [Fact]
    [Trait("Category", "Matrix")]
    public async Task Readiness_fails_while_the_broker_accepts_no_messages()
    {
        broker.SkipIfNamed();
        await using var own = await ScratchBroker.StartAsync();
        await using var server = await Server.StartAsync(own.Node.ConnectionString);
        var tail = new RecordingTail();
        await using var log = await server.OpenAsync(_feed, tail);
        await log.AppendAsync("1");

        await own.Node.ControlAsync("rabbitmqctl", "set_vm_memory_high_watermark", "absolute", "1");
        server.SetTimeout(Server.Brief);
        await Assert.ThrowsAsync<FeedUnavailableException>(() => log.AppendAsync("2"));
        await server.BecomesAsync(HealthStatus.Unhealthy);
        Assert.Contains("accepts no messages", await server.UnreadinessAsync(), StringComparison.Ordinal);

        await own.Node.ControlAsync("rabbitmqctl", "set_vm_memory_high_watermark", "0.9");
        server.SetTimeout(Eventually.Patience);
        await server.BecomesAsync(HealthStatus.Healthy);
        var last = await log.AppendAsync("3");
        Assert.Equal(last.Offset, tail.Entries[^1].Offset);
        Assert.Equal(1, tail.Resets);
    }

    // A node that is cut off from its cluster behaves like this.
    [Fact]
    public async Task The_connection_to_a_broker_that_does_not_deliver_what_was_published_is_abandoned()
    {
        await using var proxy = broker.NewProxy();
        await using var server = await Server.StartAsync(broker.Through(proxy), options =>
            (options.Timeout, options.Heartbeat) = (Server.Brief, TimeSpan.FromSeconds(60)));
        var tail = new RecordingTail();
        await using var log = await OpenPatientlyAsync(server, tail); // what watches for silence begins with the brief timeout

        proxy.Silence();
        await Assert.ThrowsAsync<FeedUnavailableException>(() => log.AppendAsync("2"));
        await server.BecomesAsync(HealthStatus.Unhealthy);

        proxy.Open();
        await server.BecomesAsync(HealthStatus.Healthy);
        Assert.Equal(1, tail.Resets);
    }

    [Fact]
    public async Task A_stream_that_was_never_read_does_not_make_the_server_unready()
    {
        await using var raw = await RawStream.OpenAsync(broker, RabbitMQStreamName.Of(FeedName.Parse(_feed), new RabbitMQStoreOptions()));
        await raw.OccupyAsync();
        await using var server = await Server.StartAsync(broker.ConnectionString);
        await server.BecomesAsync(HealthStatus.Healthy);
        server.SetTimeout(Server.Brief);

        await Assert.ThrowsAsync<FeedUnavailableException>(() => server.OpenAsync(_feed, new RecordingTail()));

        Assert.Equal(HealthStatus.Healthy, await server.ReadinessAsync());
    }

    private async Task<IFeedLog> OpenPatientlyAsync(StoreHost server, RecordingTail tail)
    {
        IFeedLog? log = null;
        await Eventually.HoldsAsync(
            async () =>
            {
                try
                {
                    log ??= await server.OpenAsync(_feed, tail);
                    await log.AppendAsync("1");
                    return true;
                }
                catch (FeedUnavailableException)
                {
                    return false;
                }
            },
            "the feed is open");
        return log!;
    }
}
