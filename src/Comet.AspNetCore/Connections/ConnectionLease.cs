using System.Threading.RateLimiting;

namespace Comet.AspNetCore.Connections;

/// <summary>A stream's place among those that are open, until it is disposed, once. A struct, as it stays as long as the stream.</summary>
internal readonly struct ConnectionLease(OpenStreams open, RateLimitLease? ofAddress, RateLimitLease? ofUser) : IDisposable
{
    public void Dispose()
    {
        ofAddress?.Dispose();
        ofUser?.Dispose();
        open.Remove();
    }
}
