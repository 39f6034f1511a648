using Comet.AspNetCore.RabbitMQ.Stores;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.RabbitMQ.Tests.Stores;

/// <summary>Readers who wait for a part as they do for one that a broker has.</summary>
internal static class OlderReadsExtensions
{
    internal static ReadOlder ToReadOlder(this OlderReads reads, TimeProvider time) => async (_, reader, timeout, cancellation) =>
    {
        reads.Add(reader);
        try
        {
            return await reader.Page.WaitAsync(timeout, time, cancellation);
        }
        catch (TimeoutException exception)
        {
            throw new FeedUnavailableException("late", exception);
        }
        finally
        {
            reader.Abandon();
        }
    };
}
