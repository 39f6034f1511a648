using Comet.AspNetCore.RabbitMQ.Messages;

namespace Comet.AspNetCore.RabbitMQ.Tests.Stores;

public sealed class RabbitMQLogReaderTests
{
    // The newest message of a node may be older than what was read from another node. The stream has not lost its end then.
    [Theory]
    [InlineData(100)]
    [InlineData(500)]
    public async Task The_end_is_where_the_marker_is_however_far_a_node_lags_behind(int lag)
    {
        const long Left = 1000;
        var marker = new MessageId(2, 1);
        var node = Enumerable.Range(0, lag + 7)
            .Select(index => new RabbitMQMessage { Id = new(1, index), Offset = Left - lag + index })
            .Append(new RabbitMQMessage { Id = marker, Offset = Left + 7 })
            .ToAsyncEnumerable();

        Assert.Equal(Left + 7, await node.OffsetOfAsync(marker));
    }
}
