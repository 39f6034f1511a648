using Comet.AspNetCore.RabbitMQ.Following;
using Comet.AspNetCore.RabbitMQ.Messages;

namespace Comet.AspNetCore.RabbitMQ.Tests.Messages;

public sealed class ScanPrefetchTests
{
    [Theory]
    [InlineData(1, 4096, 512)]
    [InlineData(1024, 4096, 512)]
    [InlineData(1024, 28, 56)]
    [InlineData(1024, 2, 8)]
    [InlineData(8 * 1024, 512, 64)]
    [InlineData(1024 * 1024, 4, 8)]
    [InlineData(128 * 1024 * 1024, 1, 8)]
    public void Half_a_megabyte_is_sent_ahead_or_a_few_long_messages_or_twice_what_was_taken(int payload, int taken, int expected)
    {
        var part = new LogPart(0);
        for (var offset = 1; offset <= taken; offset++)
        {
            part.Extend(offset, payload);
        }

        Assert.Equal(expected, ScanPrefetch.For(part.AveragePayload!.Value, part.Messages));
    }

    [Fact]
    public void A_part_without_payloads_tells_nothing()
    {
        var part = new LogPart(0);
        part.Extend(100, payload: 0);

        Assert.Null(part.AveragePayload);
    }
}
