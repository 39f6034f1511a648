using System.Text.Json;
using System.Text.Json.Serialization;

namespace Comet.AspNetCore.Hosting;

/// <summary>How snapshots are written, whatever the app's JSON options.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(DebugSnapshot))]
internal sealed partial class DebugPageJson : JsonSerializerContext;
