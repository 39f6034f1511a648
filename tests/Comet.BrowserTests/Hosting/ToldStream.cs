using System.Text.Json;

namespace Comet.BrowserTests.Hosting;

internal static class ToldStream
{
    /// <summary>The address of a stream that says just this, and stays open.</summary>
    internal static string Of(params object[] told) => "/test/streams/told?" + Query(told);

    /// <summary>The same, but whoever asks for lines is sent to another page.</summary>
    internal static string Redirected(params object[] told) => "/test/streams/redirected?" + Query(told);

    private static string Query(object[] told) =>
        string.Join('&', told.Select(message => "told=" + Uri.EscapeDataString(JsonSerializer.Serialize(message))));
}
