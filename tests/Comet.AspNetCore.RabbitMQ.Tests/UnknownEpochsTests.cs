using Comet.AspNetCore.RabbitMQ.Tests.Hosting;
using Comet.TestUtilities.Conformance;

namespace Comet.AspNetCore.RabbitMQ.Tests;

/// <summary>A client may name positions of an epoch that is over, or was never, for many feeds.</summary>
public sealed class UnknownEpochsTests(Broker broker)
{
    private readonly string _family = Server.NewName();

    [Fact]
    public async Task One_marker_disproves_an_epoch_for_all_feeds_of_a_RabbitMQ_stream()
    {
        await using var server = await Server.StartAsync(broker.ConnectionString, options => options.Partitions = 1);
        await using var log = await server.OpenAsync($"{_family}/0", new RecordingTail());
        var before = await log.AppendAsync("1");

        for (var key = 1; key <= 6; key++)
        {
            await using var other = await server.OpenAsync($"{_family}/{key}", new RecordingTail());
            Assert.False(await other.ReachAsync(
                new FeedPosition("0123456789", 5), TestContext.Current.CancellationToken).AsTask().WithPatience());
        }

        Assert.Equal(before.Offset + 2, (await log.AppendAsync("2")).Offset);
    }

    [Fact]
    public async Task Whether_a_key_exists_is_asked_without_declaring_a_RabbitMQ_stream()
    {
        await using var server = await Server.StartAsync(broker.ConnectionString, options => options.Partitions = 1);

        Assert.Null(await server.Feeds(_family, new FeedOptions()).FindAsync("absent").AsTask().WithPatience());

        await using var stream = await RawStream.OpenAsync(broker, $"comet.{_family}:0");
        Assert.False(await stream.ExistsAsync());
    }
}
