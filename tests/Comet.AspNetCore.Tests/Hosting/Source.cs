using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Comet.AspNetCore.Tests.Hosting;

/// <summary>A sequence whose elements a test gives one by one, and which knows whether it was left.</summary>
internal sealed class Source<T>
{
    private readonly Channel<T> _elements = Channel.CreateUnbounded<T>();
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _left = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when somebody enumerates.</summary>
    internal Task Started => _started.Task;

    /// <summary>Completes when the enumeration's finally block ran.</summary>
    internal Task Left => _left.Task;

    internal void Give(T element) => Assert.True(_elements.Writer.TryWrite(element));

    internal void Complete(Exception? error = null) => _elements.Writer.Complete(error);

    internal async IAsyncEnumerable<T> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        _started.TrySetResult();
        try
        {
            while (await _elements.Reader.WaitToReadAsync(cancellationToken))
            {
                while (_elements.Reader.TryRead(out var element))
                {
                    yield return element;
                }
            }
        }
        finally
        {
            _left.TrySetResult();
        }
    }
}
