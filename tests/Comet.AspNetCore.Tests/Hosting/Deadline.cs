namespace Comet.AspNetCore.Tests.Hosting;

/// <summary>The patience of one wait at a time: it begins anew with each, and does not run out in between.</summary>
internal sealed class Deadline : IDisposable
{
    private readonly CancellationTokenSource _source =
        CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);

    internal CancellationToken Token => _source.Token;

    internal async Task<T> WaitAsync<T>(Func<CancellationToken, ValueTask<T>> wait)
    {
        _source.CancelAfter(Eventually.Patience);
        try
        {
            return await wait(_source.Token);
        }
        finally
        {
            _source.CancelAfter(Timeout.InfiniteTimeSpan);
        }
    }

    public void Dispose() => _source.Dispose();
}
