using System.Text.Json;

namespace Comet.BrowserTests.Hosting;

internal static class ToldStream
{
    /// <summary>The address of a stream that says just this, and stays open.</summary>
    internal static string Of(params object[] told) => "/test/streams/told?" +
        string.Join('&', told.Select(message => "told=" + Uri.EscapeDataString(JsonSerializer.Serialize(message))));
}
