using Comet.AspNetCore.RabbitMQ.Stores;
using Comet.AspNetCore.RabbitMQ.Tests.Hosting;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.RabbitMQ.Tests.Stores;

public sealed class RabbitMQStreamNameTests
{
    [Fact]
    public void No_feed_has_the_stream_of_a_family()
    {
        var options = new RabbitMQStoreOptions { Partitions = 1 };

        foreach (var separator in (char[])['.', '-', '_'])
        {
            Assert.NotEqual(
                RabbitMQStreamName.Of(new FeedName($"rooms{separator}0"), options),
                RabbitMQStreamName.Of(new FeedName("rooms", "0"), options));
        }
    }

    [Fact]
    public void A_stream_keeps_what_its_feed_retains_whatever_markers_are_written()
    {
        const int Servers = 10;
        var retention = Server.Plenty with { Entries = 1, Bytes = 1 << 20, Age = TimeSpan.FromDays(1) };

        var arguments = RabbitMQStreamName.ArgumentsOf(new FeedName("feed"), retention, new RabbitMQStoreOptions());

        var markers = retention.Age / RabbitMQMarkers.MaxDelay * 256 * Servers;
        var kept = (long)arguments["x-max-length-bytes"]! - (long)arguments["x-stream-max-segment-size-bytes"]!;
        Assert.True(kept >= retention.Bytes + markers);
    }
}
