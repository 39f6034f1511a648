using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace CometBench;

/// <summary>The usual way to fan out in .NET: an unbounded channel per connection.</summary>
internal sealed class Audience
{
    private readonly ConcurrentDictionary<Channel<string>, bool> _channels = new();

    internal void Publish(string message)
    {
        foreach (var (channel, _) in _channels)
        {
            channel.Writer.TryWrite(message);
        }
    }

    internal async IAsyncEnumerable<string> ListenAsync([EnumeratorCancellation] CancellationToken cancellation = default)
    {
        var channel = Channel.CreateUnbounded<string>(new UnboundedChannelOptions { SingleReader = true });
        _channels.TryAdd(channel, true);
        try
        {
            await foreach (var message in channel.Reader.ReadAllAsync(cancellation))
            {
                yield return message;
            }
        }
        finally
        {
            _channels.TryRemove(channel, out _);
        }
    }
}
